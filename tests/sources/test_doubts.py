# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cameras and depth that can be used but look wrong are reported once."""

from types import SimpleNamespace

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.doubts import Doubts
import numpy as np
import pytest


@pytest.fixture
def lines():
    return []


@pytest.fixture
def doubts(lines):
    return Doubts(lines.append)


def camera(cx=31.5, cy=23.5):
    return Intrinsics(fx=100.0, fy=100.0, cx=cx, cy=cy, width=64, height=48)


def depth(value):
    depth_m_HW = np.full((48, 64), np.nan, np.float32)
    depth_m_HW[:20] = value
    return depth_m_HW


@pytest.mark.parametrize(
    ('outside', 'value'),
    [(camera(cx=6400.0), 'cx = 6400 px'), (camera(cy=-900.0), 'cy = -900 px')],
)
def test_a_principal_point_far_outside_is_said_once_with_its_value(doubts, lines, outside, value):
    for _ in range(3):
        doubts.camera('a.png', outside)
    assert len(lines) == 1
    assert lines[0].startswith(f'a.png: {value} is far outside of the 64x48 image')


def test_a_crop_has_its_principal_point_outside_without_a_word(doubts, lines):
    whole = Intrinsics.from_fov(640, 480, 70.0)
    doubts.camera('crop', whole.cropped(0, 0, 160, 120))
    doubts.camera('crop', camera())
    doubts.camera('none', None)
    assert lines == []


def test_a_camera_that_moves_too_fast_is_said_once(doubts, lines):
    for step in range(5):
        pose = np.eye(4)
        pose[0, 3] = 2.0 * step
        doubts.pose(f'{step}', step * 33_000_000, pose)
        doubts.pose('none', step, None)
    assert len(lines) == 1
    assert lines[0].startswith('1: the camera has moved 2 m in 33 ms since the frame before')


def test_a_car_a_pause_and_a_repeated_stamp_pass(doubts, lines):
    for stamp_ns, x_m in ((0, 0.0), (100_000_000, 4.0), (100_000_000, 9.0), (9_000_000_000, 90.0)):
        pose = np.eye(4)
        pose[0, 3] = x_m
        doubts.pose('a', stamp_ns, pose)
    assert lines == []


@pytest.mark.parametrize(
    ('value_m', 'words'),
    [(2000.0, '2000 m, as if millimetres were read'), (0.002, '0.002 m, as if its unit were')],
)
def test_depth_in_another_unit_is_said_once_with_the_fix(doubts, lines, value_m, words):
    for _ in range(3):
        doubts.depth('0.1', depth(value_m))
    assert len(lines) == 1
    assert lines[0].startswith(f'0.1: its median depth is {words}')
    assert 'depth_scale' in lines[0]


def test_near_and_far_depth_and_none_at_all_pass(doubts, lines):
    for value_m in (0.05, 2.0, 150.0, np.nan):
        doubts.depth('0.1', depth(value_m))
    doubts.depth('0.1', None)
    assert lines == []


def test_depth_in_an_encoding_without_a_unit_is_said(doubts, lines):
    for encoding in ('16UC1', '32FC1', 'mono16', 'mono16'):
        doubts.encoding('/depth', SimpleNamespace(encoding=encoding))
    (line,) = lines
    assert line.startswith('/depth has the encoding mono16')
    assert 'millimetres' in line
