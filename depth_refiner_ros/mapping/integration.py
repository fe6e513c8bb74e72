# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Average one depth map into voxels, each pixel with a weight of its own (Curless and Levoy 1996).

With equal weights this is Open3D's ``integrate``, which has no weights and leaves out the
outermost pixels.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
import os

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.seen_voxels import seen_voxels
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
import numpy as np

PART = 256
"""Blocks at a time: their values fit the cache of a core, which is 1.5 times as fast as all."""
MOST_THREADS = 4


def integrate(
    grid: VoxelGrid,
    blocks_K3: np.ndarray,
    depth_m_HW: np.ndarray,
    rgb_HW3: np.ndarray | None,
    weight_HW: np.ndarray | None,
    intrinsics: Intrinsics,
    camera_from_map: np.ndarray,
    *,
    truncation_m: float,
) -> None:
    """
    Update the voxels of some blocks, from the truncation distance behind the surface forwards.

    :param blocks_K3: int32, blocks of the grid
    :param depth_m_HW: float32, 0 where unknown
    :param rgb_HW3: uint8; None leaves the colors
    :param weight_HW: float32 weight of each pixel; None is 1 everywhere
    """
    views = _Views(
        # One more pixel, of unknown depth, for voxels outside the image.
        depth_m_P=np.append(depth_m_HW.ravel(), np.float32(0)),
        rgb_P3=None if rgb_HW3 is None else rgb_HW3.reshape(-1, 3),
        weight_P=None if weight_HW is None else weight_HW.ravel(),
    )
    parts = [blocks_K3[first : first + PART] for first in range(0, len(blocks_K3), PART)]
    # NumPy computes without Python's lock, and no voxel is in two parts.
    with ThreadPoolExecutor(min(MOST_THREADS, _usable_cores())) as pool:
        update = partial(_update, grid, views, intrinsics, camera_from_map, truncation_m)
        list(pool.map(update, parts))


@dataclass(frozen=True, kw_only=True)
class _Views:
    """Depth, color and weight of each pixel, row after row."""

    depth_m_P: np.ndarray
    rgb_P3: np.ndarray | None
    weight_P: np.ndarray | None


def _update(
    grid: VoxelGrid,
    views: _Views,
    intrinsics: Intrinsics,
    camera_from_map: np.ndarray,
    truncation_m: float,
    blocks_K3: np.ndarray,
) -> None:
    pixel_V, voxel_depth_m_V = seen_voxels(
        blocks_K3, intrinsics, camera_from_map, voxel_m=grid.voxel_m, resolution=grid.resolution
    )
    # take is several times as fast as an index in brackets.
    depth_m_V = views.depth_m_P.take(pixel_V)
    distance_m_V = depth_m_V - voxel_depth_m_V
    used_V = np.flatnonzero((depth_m_V > 0) & (distance_m_V >= -truncation_m))
    pixel_V, distance_m_V = pixel_V.take(used_V), distance_m_V.take(used_V)
    per_block = grid.resolution**3
    voxel_V = (grid.rows(blocks_K3)[:, None] * per_block + np.arange(per_block)).take(used_V)
    new_weight_V = np.float32(1) if views.weight_P is None else views.weight_P.take(pixel_V)
    counts, trusts, distances = (grid.values(name)[:, 0] for name in ('weight', 'trust', 'tsdf'))
    counts[voxel_V] = counts.take(voxel_V) + np.float32(1)
    sum_V = trusts.take(voxel_V) + new_weight_V
    trusts[voxel_V] = sum_V
    share_V = new_weight_V / sum_V
    new_V = np.minimum(distance_m_V * np.float32(1 / truncation_m), np.float32(1))
    old_V = distances.take(voxel_V)
    distances[voxel_V] = old_V + (new_V - old_V) * share_V
    if views.rgb_P3 is not None:
        colors = grid.values('color')
        old_V3 = colors.take(voxel_V, axis=0)
        new_V3 = views.rgb_P3.take(pixel_V, axis=0).astype(np.float32)
        new_V3 -= old_V3
        new_V3 *= share_V[:, None]
        new_V3 += old_V3
        # Written as one value of 12 bytes per voxel instead of three.
        colors.view('V12')[:, 0][voxel_V] = new_V3.view('V12')[:, 0]


def _usable_cores() -> int:
    known = hasattr(os, 'sched_getaffinity')  # not on macOS
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
