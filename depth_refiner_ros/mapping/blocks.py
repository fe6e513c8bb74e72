# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Find the blocks of a sparse voxel grid that a depth map touches.

Open3D's own function samples every fourth pixel of every fourth row and so silently loses thin
objects, sparse depth and surfaces near holes. This one looks at every pixel.
"""

import math

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np

BITS = 21
"""Bits of one block index inside a 64-bit key."""
OFFSET = 1 << (BITS - 1)


def touched_blocks(
    depth_m_HW: np.ndarray,
    intrinsics: Intrinsics,
    map_from_camera: np.ndarray,
    *,
    block_m: float,
    truncation_m: float,
) -> np.ndarray:
    """
    Return the blocks within the truncation distance of the surface, along each viewing ray.

    :param depth_m_HW: float32, 0 where unknown
    :param block_m: edge of a block
    :return: ``blocks_K3`` int32 block indices, each once
    """
    # Nearest and farthest of 2x2 pixels stand for all four, at a quarter of the cost: half a pixel
    # beside a ray is far less than the truncation distance.
    nearest_m_HW, farthest_m_HW = _of_four(depth_m_HW)
    farthest_m_HW[farthest_m_HW - nearest_m_HW < truncation_m / 4] = 0
    camera = _of_half_the_size(intrinsics)
    keys = [
        _keys_between(
            np.maximum(some_m_HW - np.float32(truncation_m), 0),
            np.where(some_m_HW > 0, some_m_HW + np.float32(truncation_m), 0),
            camera,
            map_from_camera,
            block_m,
        )
        for some_m_HW in (nearest_m_HW, farthest_m_HW)
    ]
    return _blocks_of(np.concatenate(keys), map_from_camera, block_m)


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
    padded = np.pad(depth_m_HW, ((0, height % 2), (0, width % 2)))
    four = [padded[row::2, column::2] for row in (0, 1) for column in (0, 1)]
    farthest = np.maximum.reduce(four)
    nearest = np.minimum.reduce([np.where(part > 0, part, np.inf) for part in four])
    nearest[farthest == 0] = 0
    return nearest.astype(np.float32), farthest


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
    indices_K3 = indices_K3.astype(np.int64) + OFFSET
    keys_K = (indices_K3[:, 0] << 2 * BITS) | (indices_K3[:, 1] << BITS) | indices_K3[:, 2]
    return _unpacked(np.unique(keys_K))


def _keys_between(
    near_m_HW: np.ndarray,
    far_m_HW: np.ndarray,
    intrinsics: Intrinsics,
    map_from_camera: np.ndarray,
    block_m: float,
) -> np.ndarray:
    """Return one number per block, some more than once, relative to the camera's block."""
    rows, columns = np.nonzero(far_m_HW)
    near_m_P = near_m_HW[rows, columns]
    band_m_P = far_m_HW[rows, columns] - near_m_P
    rays_3P = _rays(intrinsics, map_from_camera[:3, :3] / block_m, rows, columns)
    start_3 = map_from_camera[:3, 3] / block_m - _home(map_from_camera, block_m)
    steps = _steps(rays_3P, float(band_m_P.max(initial=0.0)))
    return np.concatenate(
        [
            _keys(rays_3P, near_m_P + band_m_P * np.float32(step / steps), start_3)
            for step in range(steps + 1)
        ]
    )


def _blocks_of(keys: np.ndarray, map_from_camera: np.ndarray, block_m: float) -> np.ndarray:
    return (_unpacked(np.unique(keys)) + _home(map_from_camera, block_m)).astype(np.int32)


def _home(map_from_camera: np.ndarray, block_m: float) -> np.ndarray:
    """Return the camera's block, to which others are relative: so float32 is exact far away."""
    return np.floor(map_from_camera[:3, 3] / block_m)


def _rays(
    intrinsics: Intrinsics,
    blocks_from_camera_33: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
) -> list[np.ndarray]:
    """Return the viewing rays in the map, in blocks per metre of depth, axis by axis."""
    x_W = (np.arange(intrinsics.width) - intrinsics.cx) / intrinsics.fx
    y_H = (np.arange(intrinsics.height) - intrinsics.cy) / intrinsics.fy
    return [
        (right * x_W + ahead).astype(np.float32)[columns] + (down * y_H).astype(np.float32)[rows]
        for right, down, ahead in blocks_from_camera_33
    ]


def _steps(rays_3P: list[np.ndarray], longest_band_m: float) -> int:
    """Return the number of steps that lie at most 2/3 of a block apart in every band."""
    longest = math.sqrt(sum(float(np.abs(ray_P).max(initial=0.0)) ** 2 for ray_P in rays_3P))
    return max(1, math.ceil(longest_band_m * longest * 1.5))


def _keys(rays_3P: list[np.ndarray], depth_m_P: np.ndarray, start_3: np.ndarray) -> np.ndarray:
    """Return one number per block, dropping repeats of the neighbour for speed."""
    keys_P = np.zeros(len(depth_m_P), dtype=np.int64)
    for ray_P, start in zip(rays_3P, start_3):
        index_P = np.floor(ray_P * depth_m_P + np.float32(start)).astype(np.int64)
        keys_P = (keys_P << BITS) | (index_P + OFFSET)
    fresh_P = np.ones(len(keys_P), dtype=bool)
    np.not_equal(keys_P[1:], keys_P[:-1], out=fresh_P[1:])
    return keys_P[fresh_P]


def _unpacked(keys_K: np.ndarray) -> np.ndarray:
    mask = (1 << BITS) - 1
    return (
        np.stack([(keys_K >> 2 * BITS) & mask, (keys_K >> BITS) & mask, keys_K & mask], axis=1)
        - OFFSET
    )
