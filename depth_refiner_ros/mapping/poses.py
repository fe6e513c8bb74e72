# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Rigid poses ``map_from_camera``: 4 x 4 float64, optical axes (x right, y down, z forward).

Quaternions are in the order x y z w of TUM files and ROS messages. SciPy's rotations are imported
where a matrix becomes a quaternion: their import takes longer than the rest of a small node's.
"""

from collections.abc import Iterable, Sequence
import math

from depth_refiner_ros.core.errors import MappingError
import numpy as np

UNIT_TOLERANCE = 1e-3
"""Tolerance for files that print quaternions with four digits."""
MOST_M = 1e7
"""Largest coordinate of a position: UTM counts up to here, and the earth's radius is 6.4e6 m."""


class PoseError(MappingError):
    """A pose that cannot be used; other frames can."""


def pose_from_quaternion(
    translation_m_3: Sequence[float], quaternion_xyzw: Sequence[float]
) -> np.ndarray:
    """
    Return the 4 x 4 pose of a translation and a unit quaternion.

    :raises PoseError: see :func:`check_numbers`
    """
    numbers = np.array([*translation_m_3, *quaternion_xyzw], dtype=np.float64)
    check_numbers(numbers.tolist())
    x, y, z, w = numbers[3:].tolist()
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    pose = np.eye(4)
    # Rodrigues' formula; the division makes up for rounded digits.
    pose[:3, :3] += 2.0 * (w * cross + cross @ cross) / (x * x + y * y + z * z + w * w)
    pose[:3, 3] = numbers[:3]
    return pose


def check_numbers(numbers: Sequence[float]) -> None:
    """
    Raise unless seven numbers are a pose in metres.

    :param numbers: x y z qx qy qz qw
    :raises PoseError: if a value is not finite, the position cannot be metres or the
        quaternion is not of length 1
    """
    if not all(map(math.isfinite, numbers)):
        raise PoseError(f'pose {_shown(numbers)} holds a value that is not a number')
    _check_position(numbers[:3])
    length = math.hypot(*numbers[3:])
    if not abs(length - 1.0) <= UNIT_TOLERANCE:
        raise PoseError(
            f'quaternion {_shown(numbers[3:])} has length {length:.4g}, not 1; '
            'the order is x y z w'
        )


def _check_position(position_m_3: Sequence[float]) -> None:
    if max(map(abs, position_m_3)) > MOST_M:
        raise PoseError(
            f'position {_shown(position_m_3)} cannot be metres in a map, as the earth itself is '
            'smaller; correct this pose, or the unit of all'
        )


def quaternion_xyzw(map_from_camera: np.ndarray) -> np.ndarray:
    """Return the unit quaternion of a pose with w >= 0, float64 of shape (4,)."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(map_from_camera[:3, :3]).as_quat(canonical=True)


def checked_pose(map_from_camera: np.ndarray) -> np.ndarray:
    """
    Return the pose as float64.

    :raises PoseError: if it is not a finite 4 x 4 rigid motion, or cannot be in metres
    """
    pose = np.asarray(map_from_camera, dtype=np.float64)
    if pose.shape != (4, 4):
        raise PoseError(f'pose of shape {pose.shape} must be 4 x 4')
    if not np.isfinite(pose).all():
        raise PoseError(f'pose {_shown(pose[:3].ravel())} holds a value that is not a number')
    rotation = pose[:3, :3]
    skew = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    rigid = skew < 1e-3 and np.linalg.det(rotation) > 0 and np.allclose(pose[3], (0, 0, 0, 1))
    if not rigid:
        raise PoseError(
            f'pose {_shown(pose.ravel())} is not a rigid motion; the upper left '
            '3 x 3 must be a rotation and the last row 0 0 0 1'
        )
    _check_position(pose[:3, 3].tolist())
    return pose


def check_resolution(map_from_camera: np.ndarray, voxel_m: float) -> None:
    """
    Raise unless float32, the type of a volume's vertices, resolves voxels around the camera.

    :raises PoseError: if the map's origin is too far away, as that of UTM coordinates is
    """
    position_m_3 = map_from_camera[:3, 3]
    coarse_m = float(np.spacing(np.float32(np.abs(position_m_3).max())))
    if coarse_m > voxel_m / 2:
        raise PoseError(
            f'position {_shown(position_m_3)} is so far from the origin of the map that float32 '
            f'is {coarse_m:.2g} m coarse there, too coarse for voxel_m = {voxel_m:g}; subtract '
            'one offset, such as the first position, from all poses, or correct this pose'
        )


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
    from scipy.spatial.transform import Rotation, Slerp

    pose = np.eye(4)
    rotations = Rotation.from_matrix(np.stack([first[:3, :3], second[:3, :3]]))
    pose[:3, :3] = Slerp([0.0, 1.0], rotations)(fraction).as_matrix()
    pose[:3, 3] = (1.0 - fraction) * first[:3, 3] + fraction * second[:3, 3]
    return pose


def _shown(numbers: Iterable[float]) -> str:
    return ' '.join(f'{value:.6g}' for value in numbers)
