# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Find the blocks of a sparse voxel grid that a depth map touches.

Open3D's own function samples every fourth pixel of every fourth row and so silently loses thin
objects, sparse depth and surfaces near holes. This one looks at every pixel.
"""

import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.ray_blocks import BITS, compiled_walk, OFFSET
import numpy as np


def touched_blocks(
    depth_m_HW: np.ndarray,
    intrinsics: Intrinsics,
    map_from_camera: np.ndarray,
    *,
    block_m: float,
    truncation_m: float,
    truncation_share: float = 0.0,
) -> np.ndarray:
    """
    Return the blocks within the truncation distance of the surface, along each viewing ray.

    :param depth_m_HW: float32, 0 where unknown
    :param block_m: edge of a block
    :param truncation_share: of the depth, where that is more than ``truncation_m``
    :return: ``blocks_K3`` int32 block indices, each once
    """
    # Nearest and farthest of 2x2 pixels stand for all four, at a quarter of the cost: half a pixel
    # beside a ray is far less than the truncation distance.
    nearest_m_HW, farthest_m_HW = _of_four(depth_m_HW)
    farthest_m_HW[farthest_m_HW - nearest_m_HW < truncation_m / 4] = 0
    camera = _of_half_the_size(intrinsics)
    keys = []
    for some_m_HW in (nearest_m_HW, farthest_m_HW):
        reach_m_HW = reach_m(some_m_HW, truncation_m, truncation_share)
        near_m_HW = np.maximum(some_m_HW - reach_m_HW, 0)
        far_m_HW = np.where(some_m_HW > 0, some_m_HW + reach_m_HW, 0)
        keys.append(_keys_between(near_m_HW, far_m_HW, camera, map_from_camera, block_m))
    return _blocks_of(np.concatenate(keys), map_from_camera, block_m)


def reach_m(depth_m: np.ndarray, truncation_m: float, truncation_share: float) -> np.ndarray:
    """Return how far from a surface at this depth distances count, float32 of the same shape."""
    return np.maximum(np.float32(truncation_m), np.float32(truncation_share) * depth_m)


def blocks_between(
    near_m_HW: np.ndarray,
    far_m_HW: np.ndarray,
    intrinsics: Intrinsics,
    map_from_camera: np.ndarray,
    *,
    block_m: float,
) -> np.ndarray:
    """
    Return the blocks between two depths along each viewing ray.

    :param near_m_HW: float32, 0 or more
    :param far_m_HW: float32, 0 where the ray meets nothing
    :param block_m: edge of a block
    :return: ``blocks_K3`` int32 block indices, each once
    """
    keys = _keys_between(near_m_HW, far_m_HW, intrinsics, map_from_camera, block_m)
    return _blocks_of(keys, map_from_camera, block_m)


def _of_four(depth_m_HW: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the nearest and farthest known depth of each 2x2 pixels, 0 where none is known."""
    height, width = depth_m_HW.shape
    depth_m_HW = np.pad(depth_m_HW, ((0, height % 2), (0, width % 2)))
    farthest_m_HW = _halved(np.maximum, depth_m_HW)
    known_m_HW = np.where(depth_m_HW > 0, depth_m_HW, np.float32(np.inf))
    nearest_m_HW = _halved(np.minimum, known_m_HW)
    nearest_m_HW[farthest_m_HW == 0] = 0
    return nearest_m_HW, farthest_m_HW


def _halved(of_two: np.ufunc, image_HW: np.ndarray) -> np.ndarray:
    rows_HW: np.ndarray = of_two(image_HW[::2], image_HW[1::2])
    return of_two(rows_HW[:, ::2], rows_HW[:, 1::2])


def _of_half_the_size(camera: Intrinsics) -> Intrinsics:
    return Intrinsics(
        fx=camera.fx / 2,
        fy=camera.fy / 2,
        cx=(camera.cx - 0.5) / 2,
        cy=(camera.cy - 0.5) / 2,
        width=(camera.width + 1) // 2,
        height=(camera.height + 1) // 2,
    )


def unique_rows(indices_K3: np.ndarray) -> np.ndarray:
    """Return each index once, int64; far faster than NumPy's unique with an axis."""
    return unpacked(np.unique(packed(indices_K3)))


def packed(indices_K3: np.ndarray) -> np.ndarray:
    """
    Return one int64 per index, in the same order.

    :param indices_K3: from ``-OFFSET`` on, below ``OFFSET``
    """
    indices_K3 = indices_K3.astype(np.int64) + OFFSET
    return (indices_K3[:, 0] << 2 * BITS) | (indices_K3[:, 1] << BITS) | indices_K3[:, 2]


def unpacked(keys_K: np.ndarray) -> np.ndarray:
    """Return the indices, int64 of shape (K, 3), that :func:`packed` made these numbers of."""
    mask = (1 << BITS) - 1
    return (
        np.stack([(keys_K >> 2 * BITS) & mask, (keys_K >> BITS) & mask, keys_K & mask], axis=1)
        - OFFSET
    )


def _keys_between(
    near_m_HW: np.ndarray,
    far_m_HW: np.ndarray,
    camera: Intrinsics,
    map_from_camera: np.ndarray,
    block_m: float,
) -> np.ndarray:
    """Return one number per block, some more than once, relative to the camera's block."""
    x_W = (np.arange(camera.width) - camera.cx) / camera.fx
    y_H = (np.arange(camera.height) - camera.cy) / camera.fy
    right_3, down_3, ahead_3 = map_from_camera[:3, :3].T / block_m
    start_3 = map_from_camera[:3, 3] / block_m - _home(map_from_camera, block_m)
    longest = math.hypot(np.abs(x_W).max(), np.abs(y_H).max(), 1.0) / block_m
    band_m = float((far_m_HW - near_m_HW).max())
    steps = max(1, math.ceil(2 * band_m * longest))  # at most half a block apart
    key_N = np.empty(np.count_nonzero(far_m_HW) * (steps + 1), np.int64)
    found = compiled_walk()(
        np.ascontiguousarray(near_m_HW, np.float32),  # arrays may come column after column
        np.ascontiguousarray(far_m_HW, np.float32),
        (x_W[:, None] * right_3 + ahead_3).astype(np.float32),
        (y_H[:, None] * down_3).astype(np.float32),
        start_3.astype(np.float32),
        np.linspace(0, 1, steps + 1, dtype=np.float32),
        np.zeros((camera.width, steps + 1), np.int64),
        key_N,
    )
    return key_N[:found]


def _blocks_of(keys: np.ndarray, map_from_camera: np.ndarray, block_m: float) -> np.ndarray:
    return (unpacked(np.unique(keys)) + _home(map_from_camera, block_m)).astype(np.int32)


def _home(map_from_camera: np.ndarray, block_m: float) -> np.ndarray:
    """Return the camera's block, to which others are relative: so float32 is exact far away."""
    return np.floor(map_from_camera[:3, 3] / block_m)
