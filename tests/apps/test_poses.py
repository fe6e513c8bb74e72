# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of the source, tracked ones, and those that loops correct."""

from dataclasses import replace

from depth_refiner_ros.apps.inference import Depths
from depth_refiner_ros.apps.poses import FirstPoses
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import FrameError
import numpy as np
import pytest

from tests.mapping.conftest import blots, Room, turned

ROOM = Room(camera=Intrinsics.from_fov(320, 240, 75.0), paint=blots)


def refined(pose, *, scale=1.0, known=None):
    """Return what the refiner would give; nothing of it but the frame and the depth is asked."""
    depth_m_HW, rgb_HW3 = ROOM.render(pose)
    frame = Frame(stamp_ns=1, rgb_HW3=rgb_HW3, intrinsics=ROOM.camera, map_from_camera=known)
    depth_m_HW = depth_m_HW * np.float32(scale)
    return Depths(
        frame=frame,
        prior_m_HW=depth_m_HW,
        refined_m_HW=depth_m_HW,
        difference_HW=np.zeros_like(depth_m_HW),
        confidence_HW=np.ones_like(depth_m_HW),
        truth_m_HW=None,
        timings_ms={},
        clamped=0,
        fitted=True,
    )


def first_poses(*, always_track=False, **tsdf):
    return FirstPoses(
        [],
        TsdfSettings(**tsdf),
        OdometrySettings(),
        depth='refined depth',
        always_track=always_track,
    )


@pytest.fixture(scope='module')
def around():
    """Frames all around, whose depth grows from one to the next, so that the way drifts."""
    way = [turned(20 * n, (0.4 * np.sin(np.radians(20 * n)), 0, 0)) for n in range(19)]
    frames = [refined(pose, scale=1 + 0.01 * n) for n, pose in enumerate(way)]
    nothing = refined(way[0], scale=np.nan)
    return [*frames[:4], nothing, *frames[4:]], [*way[:4], None, *way[4:]]


def test_a_loop_makes_a_second_pass_with_better_poses(around, capsys):
    frames, way = around
    poses = first_poses()
    tracked = [poses.of(depths) for depths in frames[:5]]
    assert tracked[4] is None
    assert 'only 0.0% of the pixels have depth' in poses.why_none(frames[4].frame)
    tracked += [poses.of(depths) for depths in frames[5:]]
    assert 'loops, 1 frame lost' in poses.facts()['tracking']
    better = poses.corrected()
    assert 'all frames are fused again' in capsys.readouterr().err
    second = [better.of(depths) for depths in frames]
    assert second[4] is None
    assert 'could not be aligned' in better.why_none(frames[4].frame)
    off_m = [np.linalg.norm((found[-1] - way[-1])[:3, 3]) for found in (tracked, second)]
    assert off_m[1] < 0.5 * off_m[0]


def test_what_moves_nothing_by_half_a_voxel_is_no_reason_for_a_second_pass():
    coarse = first_poses(voxel_m=0.1)
    for step in (0, 4, 0, 60, 0):
        coarse.of(refined(turned(step), scale=1 + 0.001 * step))
    assert 'loop' in coarse.facts()['tracking']
    assert coarse.corrected() is None


def test_poses_of_the_source_are_taken_as_they_are_unless_tracking_is_asked_for():
    known = turned(0, (5.0, 1.0, 0.0))
    given = first_poses()
    np.testing.assert_array_equal(given.of(refined(turned(0), known=known)), known)
    assert (given.tracked, given.facts(), given.corrected()) == (False, {}, None)
    asked = first_poses(always_track=True)
    asked.of(refined(turned(0), known=known))
    moved = asked.of(refined(turned(5), known=None))
    assert asked.tracked
    np.testing.assert_allclose(moved, known @ turned(5), atol=0.01)
    assert 'track the camera with --odometry' in given.why_none(refined(turned(0)).frame)


def with_image(depths, rgb_HW3):
    return replace(depths, frame=replace(depths.frame, rgb_HW3=rgb_HW3))


def test_a_frame_of_another_size_is_lost_in_both_passes(around):
    frames, _ = around
    poses = first_poses()
    turned_rgb = with_image(frames[0], frames[0].frame.rgb_HW3.transpose(1, 0, 2))
    for depths in frames[:2]:
        poses.of(depths)
    message = f'{frames[0].frame.name} is 240x320, the first tracked frame 320x240; give images'
    with pytest.raises(FrameError, match=message) as lost:
        poses.of(turned_rgb)
    assert lost.value.reason == 'wrong size'
    tracked = [poses.of(depths) for depths in frames[2:]]
    better = poses.corrected()
    for depths in frames[:2]:
        better.of(depths)
    with pytest.raises(FrameError, match=message):
        better.of(turned_rgb)
    second = [better.of(depths) for depths in frames[2:]]
    assert [pose is None for pose in second] == [pose is None for pose in tracked]


def test_a_dark_first_frame_is_lost_and_the_map_begins_behind_it(capsys):
    dark = with_image(refined(turned(0)), np.zeros((240, 320, 3), np.uint8))
    dark.refined_m_HW[:] = 2.0
    known = turned(0, (5.0, 1.0, 0.0))
    poses = first_poses(always_track=True)
    frames = [dark, refined(turned(0), known=known), refined(turned(5))]
    assert poses.of(dark) is not None
    assert poses.own_origin
    for depths in frames[1:]:
        np.testing.assert_allclose(poses.of(depths), known @ turned(5), atol=0.1)
        assert not poses.own_origin
    assert '1 frame lost' in poses.facts()['tracking']
    better = poses.corrected()
    assert 'the map begins with a later one: all frames are fused' in capsys.readouterr().err
    assert better.of(dark) is None
    assert 'no frame could be aligned to the first one' in better.why_none(dark.frame)
    np.testing.assert_array_equal(better.of(frames[1]), known)
