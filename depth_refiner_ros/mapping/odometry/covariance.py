# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How sure a tracked pose is, to first order.

Covariances are 6 x 6 of a small motion in the camera's own frame, ``pose @ exp(motion)``, metres
before radians. They hold what features scatter; an error in the scale of depth, which moves all of
them alike, is not in them.
"""

from depth_refiner_ros.mapping.odometry.cross import cross
from depth_refiner_ros.mapping.poses import inverse
import numpy as np

FEATURE_PX = 5.0
"""
Standard deviation of one feature. Their own scatter is about 1 px, but neighbours err alike, by
depth that is off in the same direction; with 5 px the covariance tells how far features and pixels
differ in a recording (see docs/odometry.md).
"""


def covariance_of(
    points_m_N3: np.ndarray, first_from_second: np.ndarray, matrix: np.ndarray
) -> np.ndarray:
    """
    Return the covariance of a motion that projects points into the second image.

    :param points_m_N3: in the frame of the first camera
    :param matrix: 3 x 3 camera matrix of the second image
    """
    second_from_first = inverse(first_from_second)
    seen_N3 = points_m_N3 @ second_from_first[:3, :3].T + second_from_first[:3, 3]
    seen_N3 = seen_N3[seen_N3[:, 2] > 0]
    by_point_N23 = np.zeros((len(seen_N3), 2, 3))
    by_point_N23[:, 0, 0] = matrix[0, 0] / seen_N3[:, 2]
    by_point_N23[:, 1, 1] = matrix[1, 1] / seen_N3[:, 2]
    by_point_N23[:, :, 2] = -(np.diag(matrix)[:2] * seen_N3[:, :2] / np.square(seen_N3[:, 2:]))
    # A point moves against the camera: by -shift, and by -turn x point.
    by_motion_N36 = np.concatenate(
        [np.tile(-np.eye(3), (len(seen_N3), 1, 1)), cross(seen_N3)], axis=2
    )
    jacobian = (by_point_N23 @ by_motion_N36).reshape(-1, 6)
    return FEATURE_PX**2 * np.linalg.pinv(jacobian.T @ jacobian, hermitian=True)


def chained(
    covariance_66: np.ndarray, first_from_second: np.ndarray, added_66: np.ndarray
) -> np.ndarray:
    """
    Return the covariance of the second pose.

    :param covariance_66: of the first pose
    :param added_66: of the motion between them
    """
    carried = _adjoint(inverse(first_from_second))
    return carried @ covariance_66 @ carried.T + added_66


def in_map_axes(covariance_66: np.ndarray, map_from_camera: np.ndarray) -> np.ndarray:
    """Return the covariance of position and of turns about the axes of the map, as ROS has it."""
    turned = np.kron(np.eye(2), map_from_camera[:3, :3])
    return turned @ covariance_66 @ turned.T


def _adjoint(pose: np.ndarray) -> np.ndarray:
    """Return the 6 x 6 matrix that carries a small motion into another frame."""
    rotation = pose[:3, :3]
    (shift,) = cross(pose[None, :3, 3])
    return np.block([[rotation, shift @ rotation], [np.zeros((3, 3)), rotation]])
