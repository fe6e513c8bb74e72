# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ATE and RPE against evo's numbers, and against what is known without it."""

from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.mapping.trajectory_error import angle_deg, trajectory_error
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

STEP_NS = 100_000_000


def pose(rotation_vector, position_m):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(rotation_vector).as_matrix()
    matrix[:3, 3] = position_m
    return matrix


def trajectory(poses, first=1):
    return Trajectory(
        stamps_ns_N=STEP_NS * np.arange(first, first + len(poses), dtype=np.int64),
        map_from_camera_N44=np.array(poses),
    )


def spiral(count):
    steps = np.arange(count)
    return [
        pose((0.02 * n, 0.05 * n, -0.01 * n), (np.cos(0.2 * n), np.sin(0.2 * n), 0.03 * n))
        for n in steps
    ]


def shaken(poses):
    """Noise without a generator, so that evo saw the same numbers."""
    return [
        p @ pose((0.01 * np.sin(3 * n), 0, 0.02 * np.cos(5 * n)), 0.05 * np.sin([n, 2 * n, 4]))
        for n, p in enumerate(poses)
    ]


def test_agrees_with_evo():
    """Figures of evo 1.38.1: its ape and rpe (delta 1 frame), RMSE."""
    true, moved = spiral(25), pose((0.3, -0.2, 0.5), (4.0, -1.0, 2.0))
    estimated = [moved @ p for p in shaken(true)]
    found = trajectory_error(trajectory(estimated), trajectory(true))
    assert found.poses == 25
    assert found.length_m == pytest.approx(4.845792229026091)
    assert found.ate_mm == pytest.approx(51.60680740514687)
    assert found.ate_max_mm == pytest.approx(75.88739310679989)
    assert found.scale == pytest.approx(0.9900645473855805)
    assert found.ate_scaled_mm == pytest.approx(50.63490673318665)
    assert found.rpe_mm == pytest.approx(69.64461562660171)
    assert found.rpe_deg == pytest.approx(1.2515546591430586)


def test_a_rigid_motion_of_the_whole_trajectory_is_no_error():
    true, moved = spiral(12), pose((0.3, -0.2, 0.5), (4.0, -1.0, 2.0))
    found = trajectory_error(trajectory([moved @ p for p in true]), trajectory(true))
    for figure in (found.ate_mm, found.ate_max_mm, found.ate_scaled_mm, found.rpe_mm):
        assert figure == pytest.approx(0.0, abs=1e-9)
    assert found.rpe_deg == pytest.approx(0.0, abs=1e-9)
    assert found.length_m == pytest.approx(11 * np.hypot(2 * np.sin(0.1), 0.03))


def test_a_mirror_image_is_not_aligned_by_a_reflection():
    corners_m = np.array([(0, 0, 0), (1, 0, 0), (0, 2, 0), (0, 0, 3)], dtype=float)
    true, mirrored = ([pose((0, 0, 0), p) for p in points] for points in (corners_m, -corners_m))
    assert trajectory_error(trajectory(mirrored), trajectory(true)).ate_mm > 200


def test_depth_of_a_wrong_scale_is_told_from_drift():
    true = spiral(12)
    shrunk = [pose((0, 0, 0), p[:3, 3] * 0.8) for p in true]
    found = trajectory_error(trajectory(shrunk), trajectory(true))
    assert found.scale == pytest.approx(1.25)
    assert found.ate_scaled_mm == pytest.approx(0.0, abs=1e-9)
    assert found.ate_mm > 50


def test_one_jump_is_one_bad_motion_of_all():
    true = [pose((0, 0, 0), (0.1 * n, 0.05 * n * n, 0)) for n in range(10)]
    jump = pose((0, 0, np.radians(2.0)), (0.03, 0.04, 0))
    found = trajectory_error(trajectory(true[:5] + [jump @ p for p in true[5:]]), trajectory(true))
    moved_m = jump[:3, :3] @ true[5][:3, 3] + jump[:3, 3] - true[5][:3, 3]
    assert found.rpe_mm == pytest.approx(1e3 * np.linalg.norm(moved_m) / 3)
    assert found.rpe_deg == pytest.approx(2 / 3)


def test_only_stamps_with_a_true_pose_are_compared():
    true = spiral(12)
    halves = Trajectory(
        stamps_ns_N=STEP_NS * np.arange(1, 13, 2), map_from_camera_N44=np.array(true[::2])
    )
    found = trajectory_error(trajectory(true), halves)
    assert (found.poses, found.ate_mm) == (6, pytest.approx(0.0, abs=1e-9))
    between = trajectory_error(trajectory(true), halves, max_gap_ns=STEP_NS)
    assert between.poses == 12
    assert between.ate_mm > 1
    assert trajectory_error(trajectory(true), trajectory(true[:2])) is None
    assert trajectory_error(trajectory(true, first=50), trajectory(true)) is None


def test_a_camera_that_stands_still_has_no_scale():
    still = [pose((0, 0, 0), (1, 2, 3))] * 4
    found = trajectory_error(trajectory(still), trajectory(still))
    assert found.ate_mm == 0
    assert np.isnan(found.scale)


@pytest.mark.parametrize('degrees', [0.0, 1e-7, 0.3, 90.0, 179.0])
def test_angle(degrees):
    first = pose((0.1, 0.7, -0.4), (1, 2, 3))
    turn = pose(np.radians(degrees) * np.array([0.6, 0.0, 0.8]), (4, 5, 6))
    assert angle_deg(inverse(first) @ first @ turn) == pytest.approx(degrees, rel=1e-6, abs=1e-9)
