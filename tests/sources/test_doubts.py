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
    ('outside', 'line'),
    [
        (camera(cx=6400.0), 'cx, cy = 6400, 23.5 px in an image of 64x48, outside of it'),
        (camera(cy=-900.0), 'cx, cy = 31.5, -900 px in an image of 64x48, outside of it'),
        (camera(cx=64.5, cy=23.5), 'cx, cy = 64.5, 23.5 px in an image of 64x48, outside of it'),
        (camera(cx=95.5, cy=71.5), 'as if the calibration were of images 3 times as large'),
        (camera(cx=47.0, cy=35.5), 'as if the calibration were of images 1.5 times as large'),
        (camera(cx=15.5, cy=11.5), 'as if the calibration were of images 0.48 times as large'),
    ],
)
def test_a_principal_point_of_another_image_is_said_once(doubts, lines, outside, line):
    for _ in range(3):
        doubts.camera('a.png', outside)
    assert len(lines) == 1
    assert lines[0].startswith('a.png: cx, cy = ')
    assert line in lines[0]


@pytest.mark.parametrize('center', [(31.5, 23.5), (28.0, 27.0), (36.0, 20.0), (40.0, 24.0)])
def test_centers_of_real_cameras_pass(doubts, lines, center):
    doubts.camera('a.png', camera(cx=center[0], cy=center[1]))
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
