# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Rays through pixels, whose multiples are depth.

Those of a pinhole have depth one, so the ray length of a hit is its Z depth; those of a lens have
length one, so it is its distance.
"""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera, Lens
import numpy as np


def eye_and_turn(map_from_camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return position ``eye_3`` and rotation ``turn_33`` of a camera pose, float32.

    :raises InputError: if the pose is not a finite 4 x 4 matrix
    """
    pose = np.asarray(map_from_camera)
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        raise InputError(f'map_from_camera of shape {pose.shape} must be a finite 4 x 4 matrix')
    return pose[:3, 3].astype(np.float32), pose[:3, :3].astype(np.float32)


def directions_through(
    columns: np.ndarray, rows: np.ndarray, camera: Camera, turn_33: np.ndarray
) -> np.ndarray:
    """
    Return the ray directions in the map, as one row per axis.

    :param columns: pixel columns, whole numbers at pixel centres; broadcast against the rows
    :param rows: pixel rows
    :param turn_33: rotation of the optical frame (x right, y down, z forward)
    :return: ``directions_3N`` float32
    """
    if isinstance(camera, Lens):
        rays_3hw, _ = camera.rays_at(*np.broadcast_arrays(columns, rows))
        return (turn_33 @ rays_3hw.reshape(3, -1)).astype(np.float32)
    x = (columns.astype(np.float32) - np.float32(camera.cx)) / np.float32(camera.fx)
    y = (rows.astype(np.float32) - np.float32(camera.cy)) / np.float32(camera.fy)
    return np.stack(
        [(x * along_x + y * along_y + along_z).ravel() for along_x, along_y, along_z in turn_33]
    )


def all_pixels(camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Return columns (1, W) and rows (H, 1) of an image."""
    return np.arange(camera.width)[None], np.arange(camera.height)[:, None]


def packed(origin: np.ndarray, directions_3N: np.ndarray) -> np.ndarray:
    """Return rays in Embree's layout, ``rays_N6``; the origin is (3,) or (3, N)."""
    rays_N6 = np.empty((directions_3N.shape[1], 6), np.float32)
    for axis in range(3):
        rays_N6[:, axis] = origin[axis]
        rays_N6[:, 3 + axis] = directions_3N[axis]
    return rays_N6


def dot(a_3N: np.ndarray, b_3N: np.ndarray) -> np.ndarray:
    """Return the inner products of two lists of vectors."""
    return np.einsum('in,in->n', a_3N, b_3N)
