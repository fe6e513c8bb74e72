# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.mapping.pose_jumps import PoseJumps
import numpy as np
import pytest

STEP_NS = 33_000_000


def at(x_m):
    pose = np.eye(4)
    pose[0, 3] = x_m
    return pose


def jumps_m(positions_m, step_ns=STEP_NS):
    jumps = PoseJumps()
    return [jumps.jump_m(index * step_ns, at(x_m)) for index, x_m in enumerate(positions_m)]


def test_a_camera_that_moves_or_shakes_does_not_jump():
    time_s = np.arange(90) * STEP_NS * 1e-9
    shaken = 1.5 * time_s + 0.03 * np.sin(2 * np.pi * 3 * time_s)  # up to 11 m/s² at 3 Hz
    assert not any(jumps_m(shaken))
    started_and_stopped = np.repeat([0.0, 0.02, 0.0], 10).cumsum()
    assert not any(jumps_m(started_and_stopped))


def test_a_correction_of_the_map_is_one_jump_of_its_length():
    positions_m = 0.01 * np.arange(20)
    positions_m[12:] += 0.3
    found = jumps_m(positions_m)
    assert found[12] == pytest.approx(0.3)
    assert not any(found[:12])
    assert not any(found[13:])


def test_a_gap_and_a_step_back_in_time_are_no_jump():
    assert not any(jumps_m([0.0, 0.5, 3.0], step_ns=2_000_000_000))
    jumps = PoseJumps()
    for stamp_ns, x_m in ((5, 0.0), (6, 0.0), (0, 2.0), (1, 2.0), (2, 2.0)):
        assert jumps.jump_m(stamp_ns * STEP_NS, at(x_m)) == 0.0
