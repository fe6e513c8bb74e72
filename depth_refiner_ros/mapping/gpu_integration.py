# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Average one depth map into voxels on a GPU, by Open3D's kernel, which has no weights."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
import numpy as np
import open3d as o3d
import open3d.core as o3c


def integrate_on_gpu(
    grid: VoxelGrid,
    blocks_K3: np.ndarray,
    depth_m_HW: np.ndarray,
    rgb_HW3: np.ndarray | None,
    intrinsics: Intrinsics,
    camera_from_map: np.ndarray,
    *,
    limits: tuple[float, float, float],
) -> None:
    """
    Update the voxels of some blocks.

    :param blocks_K3: int32, blocks of the grid, each once
    :param depth_m_HW: float32, 0 where unknown
    :param rgb_HW3: uint8; None leaves the colors
    :param limits: units of depth per metre, largest depth in metres, truncation in voxels
    """
    blocks = o3c.Tensor.from_numpy(blocks_K3).to(grid.device)
    image = o3d.t.geometry.Image(o3c.Tensor.from_numpy(depth_m_HW)).to(grid.device)
    matrix = _open3d_matrix(intrinsics)
    extrinsics = o3c.Tensor.from_numpy(camera_from_map)
    if rgb_HW3 is None:
        grid.open3d.integrate(blocks, image, matrix, extrinsics, *limits)
        return
    rgb_HW3 = np.ascontiguousarray(rgb_HW3, dtype=np.float32) / np.float32(255.0)
    colors = o3d.t.geometry.Image(o3c.Tensor.from_numpy(rgb_HW3)).to(grid.device)
    grid.open3d.integrate(blocks, image, colors, matrix, matrix, extrinsics, *limits)


def _open3d_matrix(intrinsics: Intrinsics) -> o3c.Tensor:
    """Return K for pixel centres at +0.5, because Open3D truncates pixel coordinates."""
    matrix = intrinsics.matrix()
    matrix[:2, 2] += 0.5
    return o3c.Tensor.from_numpy(matrix)
