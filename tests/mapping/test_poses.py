# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.poses import (
    check_resolution,
    checked_pose,
    interpolated,
    inverse,
    pose_from_quaternion,
    quaternion_xyzw,
)
import numpy as np
import pytest
from scipy.spatial.transform import Rotation


def moved(*position_m):
    pose = np.eye(4)
    pose[:3, 3] = position_m
    return pose


def test_quarter_turn_about_z_maps_x_to_y():
    half = np.sqrt(0.5)
    pose = pose_from_quaternion((1.0, 2.0, 3.0), (0.0, 0.0, half, half))
    np.testing.assert_allclose(pose @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)
    np.testing.assert_allclose(quaternion_xyzw(pose), [0, 0, half, half], atol=1e-12)


def test_quaternion_round_trip_of_random_rotations():
    rng = np.random.default_rng(1)
    for quaternion in rng.normal(size=(50, 4)):
        quaternion *= np.sign(quaternion[3]) / np.linalg.norm(quaternion)
        pose = pose_from_quaternion((0, 0, 0), quaternion)
        np.testing.assert_allclose(quaternion_xyzw(pose), quaternion, atol=1e-9)
        np.testing.assert_allclose(pose @ inverse(pose), np.eye(4), atol=1e-12)


def test_poses_are_those_of_scipy_whatever_the_length():
    rng = np.random.default_rng(2)
    for quaternion in rng.normal(size=(50, 4)):
        quaternion *= rng.uniform(0.9991, 1.0009) / np.linalg.norm(quaternion)
        pose = pose_from_quaternion((0, 0, 0), quaternion)
        expected = Rotation.from_quat(quaternion).as_matrix()
        np.testing.assert_allclose(pose[:3, :3], expected, rtol=0, atol=1e-15)


def test_bad_quaternion_is_named(subtests):
    cases = [
        ((0, 0, 0, 0), 'length 0'),
        ((0, 0, 0, 2), 'length 2'),
        ((0, 0, 0, 0.99), 'length 0.99'),
        ((np.nan, 0, 0, 1), 'not a number'),
        ((np.inf, 0, 0, 1), 'not a number'),
    ]
    for quaternion, words in cases:
        with subtests.test(quaternion=quaternion), pytest.raises(MappingError, match=words):
            pose_from_quaternion((0, 0, 0), quaternion)


def test_four_digits_of_a_quaternion_suffice():
    pose = pose_from_quaternion((0, 0, 0), (-0.0037, -0.1609, -0.1395, 0.9771))
    np.testing.assert_allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-12)


def test_unfit_pose_is_refused(subtests):
    cases = [
        (np.eye(3), 'shape'),
        (np.full((4, 4), np.nan), 'not a number'),
        (moved(0.0, -1.1e7, 0.0), 'position 0 -1.1e[+]07 0 cannot be metres'),
        (2 * np.eye(4), 'rigid'),
        (np.diag([1, 1, -1, 1]), 'rigid'),
        (np.vstack([np.eye(4)[:3], [0, 0, 1, 1]]), 'rigid'),
    ]
    for pose, words in cases:
        with subtests.test(words), pytest.raises(MappingError, match=words):
            checked_pose(pose)


def test_interpolation_is_halfway_in_angle_and_position():
    start = np.eye(4)
    half = np.radians(80.0) / 2
    end = pose_from_quaternion((2.0, 0.0, 0.0), (0.0, np.sin(half), 0.0, np.cos(half)))
    middle = interpolated(start, end, 0.25)
    quarter = np.radians(20.0)
    np.testing.assert_allclose(middle[:3, 3], [0.5, 0, 0])
    np.testing.assert_allclose(middle[:3, 2], [np.sin(quarter), 0, np.cos(quarter)], atol=1e-12)
    np.testing.assert_allclose(interpolated(start, end, 1.0), end, atol=1e-12)


def test_a_position_that_cannot_be_metres_is_refused_and_one_on_earth_is_not():
    with pytest.raises(MappingError, match=r'position 1e[+]08 0 0 cannot be metres in a map'):
        pose_from_quaternion((1e8, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    utm = pose_from_quaternion((500_000.0, 9_329_005.0, 0.0), (0.0, 0.0, 0.0, 1.0))
    np.testing.assert_array_equal(checked_pose(utm), utm)


def test_a_map_is_too_far_away_once_float32_does_not_resolve_its_voxels():
    check_resolution(moved(100_000.0, 0.0, 0.0), 0.02)
    with pytest.raises(MappingError, match=r'position 400000 0 0 .* 0.031 m coarse .*subtract'):
        check_resolution(moved(400_000.0, 0.0, 0.0), 0.02)
