# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Rigid poses ``map_from_camera``: 4 x 4 float64, optical axes (x right, y down, z forward).

Quaternions are in the order x y z w of TUM files and ROS messages.
"""

from collections.abc import Iterable, Sequence
import math

from depth_refiner_ros.core.errors import MappingError
import numpy as np
from scipy.spatial.transform import Rotation, Slerp

UNIT_TOLERANCE = 1e-3
"""Tolerance for files that print quaternions with four digits."""


def pose_from_quaternion(
    translation_m_3: Sequence[float], quaternion_xyzw: Sequence[float]
) -> np.ndarray:
    """
    Return the 4 x 4 pose of a translation and a unit quaternion.

    :raises MappingError: if a value is not finite or the quaternion is not of length 1
    """
    numbers = np.array([*translation_m_3, *quaternion_xyzw], dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise MappingError(f'pose {_shown(numbers)} holds a value that is not a number')
    check_quaternion(numbers[3:].tolist())
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat(numbers[3:]).as_matrix()
    pose[:3, 3] = numbers[:3]
    return pose


def check_quaternion(quaternion_xyzw: Sequence[float]) -> None:
    """
    Raise unless a quaternion is a rotation.

    :raises MappingError: if it is not of length 1
    """
    length = math.hypot(*quaternion_xyzw)
    if not abs(length - 1.0) <= UNIT_TOLERANCE:
        raise MappingError(
            f'quaternion {_shown(quaternion_xyzw)} has length {length:.4g}, not 1; '
            'the order is x y z w'
        )


def quaternion_xyzw(map_from_camera: np.ndarray) -> np.ndarray:
    """Return the unit quaternion of a pose with w >= 0, float64 of shape (4,)."""
    return Rotation.from_matrix(map_from_camera[:3, :3]).as_quat(canonical=True)


def checked_pose(map_from_camera: np.ndarray) -> np.ndarray:
    """
    Return the pose as float64.

    :raises MappingError: if it is not a finite 4 x 4 rigid motion
    """
    pose = np.asarray(map_from_camera, dtype=np.float64)
    if pose.shape != (4, 4):
        raise MappingError(f'pose of shape {pose.shape} must be 4 x 4')
    if not np.isfinite(pose).all():
        raise MappingError(f'pose {_shown(pose[:3].ravel())} holds a value that is not a number')
    rotation = pose[:3, :3]
    skew = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    rigid = skew < 1e-3 and np.linalg.det(rotation) > 0 and np.allclose(pose[3], (0, 0, 0, 1))
    if not rigid:
        raise MappingError(
            f'pose {_shown(pose.ravel())} is not a rigid motion; the upper left '
            '3 x 3 must be a rotation and the last row 0 0 0 1'
        )
    return pose


def inverse(pose: np.ndarray) -> np.ndarray:
    """Return the inverse of a rigid pose."""
    result = np.eye(4)
    result[:3, :3] = pose[:3, :3].T
    result[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return result


def interpolated(first: np.ndarray, second: np.ndarray, fraction: float) -> np.ndarray:
    """
    Interpolate between two poses: spherical for the rotation, linear for the position.

    :param fraction: 0 gives the first pose, 1 the second
    """
    pose = np.eye(4)
    rotations = Rotation.from_matrix(np.stack([first[:3, :3], second[:3, :3]]))
    pose[:3, :3] = Slerp([0.0, 1.0], rotations)(fraction).as_matrix()
    pose[:3, 3] = (1.0 - fraction) * first[:3, 3] + fraction * second[:3, 3]
    return pose


def _shown(numbers: Iterable[float]) -> str:
    return ' '.join(f'{value:.6g}' for value in numbers)
