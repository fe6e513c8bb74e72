# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Covariances against many noisy motions."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.odometry.covariance import (
    chained,
    covariance_of,
    FEATURE_PX,
    in_map_axes,
)
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.mapping.poses import inverse
import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

MATRIX = Intrinsics.from_fov(320, 240, 75.0).matrix()
MOTION_M_RAD = np.array([0.01, -0.02, 0.015, 0.004, -0.006, 0.003])


def moved(small):
    """Return a small motion, metres before radians, as a pose."""
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_rotvec(small[3:]).as_matrix()
    pose[:3, 3] = small[:3]
    return pose


def small(pose):
    return np.concatenate([pose[:3, 3], Rotation.from_matrix(pose[:3, :3]).as_rotvec()])


def drawn(random, covariance_66, count):
    return random.multivariate_normal(np.zeros(6), covariance_66, count)


def test_a_motion_by_noisy_features(turn):
    random = np.random.default_rng(5)
    points = random.uniform((-2, -1.5, 2), (2, 1.5, 4), (200, 3))
    true = turn(20, (0.4, 0.1, -0.2))

    def pixels(pose):
        seen = (points - pose[:3, 3]) @ pose[:3, :3]
        return (seen @ MATRIX.T)[:, :2] / seen[:, 2:]

    def left(step, noisy):
        return (pixels(true @ moved(step)) - noisy).ravel()

    exact = pixels(true)
    errors = []
    for _ in range(150):
        noisy = exact + random.normal(0, 0.5, exact.shape)
        errors.append(least_squares(left, np.zeros(6), args=(noisy,)).x)
    found = covariance_of(points, true, MATRIX) * (0.5 / FEATURE_PX) ** 2
    expected = np.cov(np.array(errors).T)
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.4)
    assert np.sign(found[0, 4]) == np.sign(expected[0, 4])
    behind = np.vstack([points, [0, 0, -5]])
    np.testing.assert_allclose(
        covariance_of(behind, true, MATRIX) * (0.5 / FEATURE_PX) ** 2, found
    )


def test_motions_one_after_the_other(turn):
    random = np.random.default_rng(6)
    first, step = turn(70, (1, 2, 3)), turn(-40, (0.5, 0.0, 1.0))
    spread = np.diag([1e-4, 4e-4, 1e-4, 1e-6, 9e-6, 1e-6])
    added = np.diag([1e-5, 1e-5, 4e-5, 1e-7, 1e-7, 4e-7])
    errors = [
        small(inverse(first @ step) @ first @ moved(a) @ step @ moved(b))
        for a, b in zip(drawn(random, spread, 4000), drawn(random, added, 4000))
    ]
    found = chained(spread, step, added)
    np.testing.assert_allclose(found, np.cov(np.array(errors).T), atol=0.06 * found.max())
    np.testing.assert_allclose(np.diag(found)[3:], np.var(errors, axis=0)[3:], rtol=0.1)


def test_axes_of_the_map(turn):
    spread = np.diag([4.0, 1.0, 9.0, 0.4, 0.1, 0.9])
    found = in_map_axes(spread, turn(90, (7, 8, 9)))
    np.testing.assert_allclose(np.diag(found), [9.0, 1.0, 4.0, 0.9, 0.1, 0.4], atol=1e-12)


def test_a_pose_grows_less_sure_from_key_frame_to_key_frame(blotted_room, turn):
    odometry = Odometry(blotted_room.camera)
    spreads = []
    for angle in range(0, 100, 18):
        depth, rgb = blotted_room.render(turn(angle))
        track = odometry.track(rgb, depth)
        spreads.append(np.trace(track.covariance_66[:3, :3]))
        assert np.linalg.eigvalsh(track.covariance_66).min() > -1e-12
    assert spreads[0] == 0
    assert spreads[-1] > spreads[1] > 0
    assert 1e-3 < np.sqrt(spreads[-1]) < 0.5
    lost = odometry.track(np.zeros((240, 320, 3), np.uint8), np.full((240, 320), np.nan))
    assert lost.covariance_66 is None
