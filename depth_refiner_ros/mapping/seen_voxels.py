# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Project the voxels of some blocks into an image."""

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


def seen_voxels(
    blocks_K3: np.ndarray,
    intrinsics: Intrinsics,
    camera_from_map: np.ndarray,
    *,
    voxel_m: float,
    resolution: int,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return for each voxel of the blocks the pixel that shows its corner point, and its depth.

    A block's voxels are its first one and the same offsets, so that the matrix is applied to
    K + resolution**3 points alone. Open3D stores x fastest within a block.

    :param blocks_K3: int32 block indices
    :param resolution: voxels along the edge of a block
    :return: int32 ``row * width + column``, ``width * height`` outside the image or behind the
        camera; float32 depth along Z. Both have K * resolution**3 values.
    """
    rotation = camera_from_map[:3, :3]
    first_m_K3 = blocks_K3 * (voxel_m * resolution) @ rotation.T + camera_from_map[:3, 3]
    steps = np.arange(resolution)
    inner_R3 = np.stack(np.meshgrid(steps, steps, steps, indexing='ij'), axis=-1).reshape(-1, 3)
    inner_m_R3 = inner_R3[:, ::-1] * voxel_m @ rotation.T
    # Far from the origin the sum of both is small, so float32 is exact enough from here.
    x_m, y_m, z_m = (
        (first_m_K[:, None] + inner_m_R).ravel()
        for first_m_K, inner_m_R in zip(
            first_m_K3.T.astype(np.float32), inner_m_R3.T.astype(np.float32)
        )
    )
    width, height = intrinsics.width, intrinsics.height
    with np.errstate(divide='ignore', invalid='ignore'):
        inverse_z = 1 / z_m
        x_m *= inverse_z
        x_m *= np.float32(intrinsics.fx)
        x_m += np.float32(intrinsics.cx + 0.5)
        y_m *= inverse_z
        y_m *= np.float32(intrinsics.fy)
        y_m += np.float32(intrinsics.cy + 0.5)
        outside = ~((z_m > 0) & (x_m >= 0) & (y_m >= 0) & (x_m < width) & (y_m < height))
        pixel = y_m.astype(np.int32)
        pixel *= width
        pixel += x_m.astype(np.int32)
    pixel[outside] = width * height
    return pixel, z_m
