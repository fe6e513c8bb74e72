# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cuts in streams of images."""

from dataclasses import replace

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.cuts import Cuts, LONGEST_GAP_NS

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
SHAPE = (1, 3, 48, 64)
START = 7_000_000_000


def after(stamp_ns, camera=CAMERA, shape=SHAPE):
    cuts = Cuts()
    assert not cuts.continues(START, CAMERA, SHAPE), 'the first image continues nothing'
    return cuts.continues(stamp_ns, camera, shape)


def test_a_video_continues_while_time_runs_and_nothing_changes():
    assert after(START + 33_000_000)
    assert after(START), 'as of drivers that leave all stamps 0'
    assert after(START + LONGEST_GAP_NS)


def test_time_that_jumps_or_runs_back_is_a_cut():
    assert not after(START + LONGEST_GAP_NS + 1)
    assert not after(START - 1)


def test_another_camera_or_size_is_a_cut():
    assert not after(START, camera=replace(CAMERA, fx=CAMERA.fx + 1.0))
    assert not after(START, camera=None)
    assert not after(START, shape=(1, 3, 48, 65))


def test_images_on_their_own_continue_nothing_and_are_not_continued():
    cuts = Cuts()
    for stamp_ns in (START, None, None, START):
        assert not cuts.continues(stamp_ns, CAMERA, SHAPE)
    assert cuts.continues(START + 1, CAMERA, SHAPE)


def test_the_image_after_a_cut_is_continued():
    cuts = Cuts()
    found = [
        cuts.continues(stamp_ns, None, SHAPE)
        for stamp_ns in (START, START + 1, START - 5, START - 4)
    ]
    assert found == [False, True, False, True]


def test_a_reset_is_a_cut():
    cuts = Cuts()
    cuts.continues(START, CAMERA, SHAPE)
    cuts.reset()
    assert not cuts.continues(START, CAMERA, SHAPE)
