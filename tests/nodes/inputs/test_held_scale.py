# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth of a wall whose scale flickers, with poses of which some are missing or jump."""

import math
import time

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.inputs.held_scale import HeldScale
from depth_refiner_ros.nodes.inputs.pose_lookup import PoseLookup
from depth_refiner_ros.nodes.inputs.poses import FilePoses
from depth_refiner_ros.settings.nodes import RefinerNodeSettings
import numpy as np
import pytest
import rclpy.logging
import torch

CAMERA = Intrinsics(fx=80.0, fy=80.0, cx=39.5, cy=29.5, width=80, height=60)
SETTINGS = RefinerNodeSettings(pose_source='file', pose_wait_ms=0.0)
STEP_NS = 100_000_000
WALL_M = 2.0
FRAMES = 40


class Stream:
    """A camera that moves along a wall by 1 cm a frame."""

    def __init__(self, x_m):
        poses_N44 = np.tile(np.eye(4), (len(x_m), 1, 1))
        poses_N44[:, 0, 3] = x_m
        stamps_ns_N = STEP_NS * np.arange(len(x_m), dtype=np.int64)
        trajectory = Trajectory(stamps_ns_N=stamps_ns_N, map_from_camera_N44=poses_N44)
        self.held = HeldScale(PoseLookup(rclpy.logging.get_logger('test'), FilePoses(trajectory)))

    def scale(self, index, error):
        """Return the error that is left of a frame's scale."""
        depth_m = torch.full((1, 1, 60, 80), WALL_M * math.exp(error))
        header = header_of(STEP_NS * index, 'camera')
        depth_m = self.held.apply(depth_m, CAMERA, header, time.monotonic(), SETTINGS)
        return math.log(float(depth_m.mean()) / WALL_M)


def test_scale_that_flickers_is_held_by_poses():
    stream = Stream(0.01 * np.arange(FRAMES))
    errors = np.random.default_rng(0).normal(0.0, 0.03, FRAMES)
    left = [stream.scale(index, error) for index, error in enumerate(errors)]
    assert np.abs(np.diff(left)).mean() < np.abs(np.diff(errors)).mean() / 5
    assert stream.held.facts()['frames_without_pose'] == '0'
    assert stream.held.error == ''


def test_a_frame_without_a_pose_keeps_its_scale_and_is_counted():
    stream = Stream(0.01 * np.arange(FRAMES))
    for index in range(10):
        stream.scale(index, 0.0)
    assert stream.scale(FRAMES + 5, 0.05) == pytest.approx(0.05, abs=1e-6)
    assert stream.held.facts() == {
        'scale_pose_factor': '1.0000',
        'frames_without_pose': '1',
        'pose_jumps': '0',
    }
    assert 'no pose near the stamp' in stream.held.error
    assert abs(stream.scale(11, 0.05)) < 0.02
    assert stream.held.error == ''


def test_after_a_jump_of_the_poses_no_frame_is_compared_with_those_before():
    """The wall would tell nothing: its depth is the same from both places."""
    x_m = 0.01 * np.arange(FRAMES)
    x_m[20:] += 0.7
    stream = Stream(x_m)
    for index in range(20):
        stream.scale(index, 0.0)
    assert stream.scale(20, 0.05) == pytest.approx(0.05, abs=1e-6)
    assert 'jumped by 0.70 m' in stream.held.error
    assert stream.held.facts()['pose_jumps'] == '1'
    assert abs(stream.scale(21, -0.05) - stream.scale(22, 0.05)) < 0.03
    assert stream.held.error == ''
