# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Project the voxels of some blocks into an image."""

from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


@dataclass(frozen=True, kw_only=True)
class SeenVoxels:
    """
    Voxels whose corner point lies in front of a camera and inside its image.

    :param voxel_V: int64, ``block * resolution**3 + place in the block``, of the blocks projected
    :param pixel_V: int32, ``row * width + column`` of the pixel that shows it
    :param depth_m_V: float32 depth of the voxel along Z
    """

    voxel_V: np.ndarray
    pixel_V: np.ndarray
    depth_m_V: np.ndarray


def seen_voxels(
    blocks_K3: np.ndarray,
    intrinsics: Intrinsics,
    camera_from_map: np.ndarray,
    *,
    voxel_m: float,
    resolution: int,
) -> SeenVoxels:
    """
    Return the voxels of the blocks that the camera would see if nothing was in the way.

    A block's voxels are its first one and the same offsets, so that the matrix is applied to
    K + resolution**3 points alone. Open3D stores x fastest within a block.

    :param blocks_K3: int32 block indices
    :param resolution: voxels along the edge of a block
    """
    rotation = camera_from_map[:3, :3]
    first_m_K3 = blocks_K3 * (voxel_m * resolution) @ rotation.T + camera_from_map[:3, 3]
    steps = np.arange(resolution)
    inner_R3 = np.stack(np.meshgrid(steps, steps, steps, indexing='ij'), axis=-1).reshape(-1, 3)
    inner_m_R3 = inner_R3[:, ::-1] * voxel_m @ rotation.T
    # Far from the origin the sum of both is small, so float32 is exact enough from here.
    first_m_3K1 = first_m_K3.T.astype(np.float32)[:, :, None]
    x_m, y_m, z_m = (
        (first_m_K1 + inner_m_R).ravel()
        for first_m_K1, inner_m_R in zip(first_m_3K1, inner_m_R3.T.astype(np.float32))
    )
    with np.errstate(divide='ignore', invalid='ignore'):
        column = x_m / z_m * np.float32(intrinsics.fx) + np.float32(intrinsics.cx + 0.5)
        row = y_m / z_m * np.float32(intrinsics.fy) + np.float32(intrinsics.cy + 0.5)
    inside = (z_m > 0) & (column >= 0) & (row >= 0)
    inside &= (column < intrinsics.width) & (row < intrinsics.height)
    voxel_V = np.flatnonzero(inside)
    pixel_V = row[voxel_V].astype(np.int32) * intrinsics.width + column[voxel_V].astype(np.int32)
    return SeenVoxels(voxel_V=voxel_V, pixel_V=pixel_V, depth_m_V=z_m[voxel_V])
