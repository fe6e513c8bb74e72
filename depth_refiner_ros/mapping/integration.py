# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Average one depth map into voxels, each pixel with a weight of its own (Curless and Levoy 1996).

With equal weights this is Open3D's ``integrate``, which has no weights and leaves out the
outermost pixels.
"""

from concurrent.futures import ThreadPoolExecutor
import os

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
from depth_refiner_ros.mapping.voxel_update import compiled_update
import numpy as np

PART = 256
"""Blocks at a time, which take about a millisecond: no thread waits longer for another."""
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
    truncation_share: float = 0.0,
) -> None:
    """
    Update the voxels of some blocks, from the truncation distance behind the surface forwards.

    :param blocks_K3: int32, blocks of the grid, each once
    :param depth_m_HW: float32, 0 where unknown
    :param rgb_HW3: uint8; None leaves the colors
    :param weight_HW: float32 weight of each pixel, above 0; None is 1 everywhere
    :param truncation_share: of the depth, where that is more than ``truncation_m``
    """
    if rgb_HW3 is None:
        rgb_HW3 = np.empty((0, 0, 3))
    if weight_HW is None:
        weight_HW = np.ones_like(depth_m_HW)
    images = (
        np.ascontiguousarray(depth_m_HW, np.float32),
        np.ascontiguousarray(rgb_HW3, np.uint8).reshape(-1, 3),
        np.ascontiguousarray(weight_HW, np.float32).ravel(),
    )
    camera = (intrinsics.fx, intrinsics.fy, intrinsics.cx + 0.5, intrinsics.cy + 0.5)
    truncation = np.float32(truncation_m), np.float32(truncation_share)
    view = (*images, np.array(camera, np.float32), *truncation)
    values = [grid.values(name)[:, 0] for name in ('weight', 'trust', 'tsdf')]
    values.append(grid.values('color'))
    update, row_K = compiled_update(), grid.rows(blocks_K3)
    first_m_K3, offset_m_3R = _first_and_offset(grid, blocks_K3, camera_from_map)

    def update_part(first: int) -> None:
        part = np.s_[first : first + PART]
        update(row_K[part], first_m_K3[part], offset_m_3R, *view, *values)

    # No voxel is in two parts, and compiled code computes without Python's lock.
    with ThreadPoolExecutor(min(MOST_THREADS, _usable_cores())) as pool:
        list(pool.map(update_part, range(0, len(blocks_K3), PART)))


def _first_and_offset(
    grid: VoxelGrid, blocks_K3: np.ndarray, camera_from_map: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the first voxel of each block, and the way from it to each voxel of any block.

    Far from the map's origin the sum of both is small, so float32 is exact enough for it.

    :return: float32 of shapes (K, 3) and (3, resolution**3), in the camera's frame
    """
    rotation = camera_from_map[:3, :3]
    first_m_K3 = blocks_K3 * grid.block_m @ rotation.T + camera_from_map[:3, 3]
    steps = np.arange(grid.resolution)
    z_y_x = np.meshgrid(steps, steps, steps, indexing='ij')  # Open3D stores x fastest
    steps_R3 = np.stack(z_y_x[::-1], axis=-1).reshape(-1, 3)
    offset_m_R3 = steps_R3 * grid.voxel_m @ rotation.T
    return first_m_K3.astype(np.float32), offset_m_R3.T.astype(np.float32, order='C')


def _usable_cores() -> int:
    known = hasattr(os, 'sched_getaffinity')  # not on macOS
    return len(os.sched_getaffinity(0)) if known else os.cpu_count() or 1
