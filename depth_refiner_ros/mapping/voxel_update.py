# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The inner loop of integration, compiled by Numba: every voxel is read and written once.

Each process compiles it anew, which takes a second: a file of compiled code would need a folder
that can be written. It runs in our own threads, because Numba's do not survive a fork.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

FARTHEST_WEIGHT = np.float32(0.01)
"""Of a voxel as far behind a surface as distances count, as a share of the pixel's."""


@cache
def compiled_update() -> Callable[..., None]:
    """Return :func:`update_voxels` as machine code, which runs without Python's lock."""
    from numba import float32, int64, njit, types, uint8  # takes half a second

    def read(kind: types.Type, dimensions: int) -> types.Array:
        return types.Array(kind, dimensions, 'C', readonly=True)

    blocks = read(int64, 1), read(float32, 2), read(float32, 2)
    images = read(float32, 2), read(uint8, 2), read(float32, 1)
    values = float32[::1], float32[::1], float32[::1], float32[:, ::1]
    signature = types.void(*blocks, *images, read(float32, 1), float32, float32, *values)
    compiled: Callable[..., None] = njit(signature, nogil=True, error_model='numpy')(update_voxels)
    return compiled


def update_voxels(
    row_K: np.ndarray,
    first_m_K3: np.ndarray,
    offset_m_3R: np.ndarray,
    depth_m_HW: np.ndarray,
    rgb_P3: np.ndarray,
    weight_P: np.ndarray,
    camera_4: np.ndarray,
    truncation_m: np.float32,
    truncation_share: np.float32,
    count_V: np.ndarray,
    trust_V: np.ndarray,
    tsdf_V: np.ndarray,
    color_V3: np.ndarray,
) -> None:
    """
    Average into each voxel of some blocks what the pixel shows that sees it.

    :param row_K: int64, where each block is stored; its voxels are ``row * R`` onwards
    :param first_m_K3: float32, first voxel of each block, in the camera's frame
    :param offset_m_3R: float32, from a block's first voxel to each of its R voxels
    :param depth_m_HW: float32, 0 where unknown
    :param rgb_P3: uint8, pixels row after row; none at all leave the colors
    :param weight_P: float32, above 0
    :param camera_4: float32 fx, fy, cx, cy, where the first pixel begins at 0
    :param truncation_m: the unit of stored distances
    :param truncation_share: of the depth; distances count as far as the larger of the two, and
        from the smaller one on ever less behind a surface
    :param count_V: float32, as all values of the voxels, which are changed
    """
    one, zero = np.float32(1), np.float32(0)
    height, width = depth_m_HW.shape
    depth_m_P = depth_m_HW.reshape(-1)
    fx, fy, cx, cy = camera_4
    x_m_R, y_m_R, z_m_R = offset_m_3R
    pixel_R = np.empty(len(z_m_R), np.int32)
    depth_m_R = np.empty(len(z_m_R), np.float32)
    for k in range(len(row_K)):
        # First where all of them are seen: without a branch, so that the processor takes eight
        # at a time.
        for r in range(len(z_m_R)):
            z_m = first_m_K3[k, 2] + z_m_R[r]
            inverse_z = one / z_m
            u = (first_m_K3[k, 0] + x_m_R[r]) * inverse_z * fx + cx
            v = (first_m_K3[k, 1] + y_m_R[r]) * inverse_z * fy + cy
            in_u = (u >= zero) & (u < np.float32(width))
            in_v = (v >= zero) & (v < np.float32(height))
            pixel = np.int32(v) * np.int32(width) + np.int32(u)
            pixel_R[r] = pixel if (z_m > zero) & in_u & in_v else np.int32(-1)
            depth_m_R[r] = z_m
        for r in range(len(z_m_R)):
            pixel = pixel_R[r]
            if pixel < 0:
                continue
            distance_m = depth_m_P[pixel] - depth_m_R[r]
            reach_m = max(truncation_m, truncation_share * depth_m_P[pixel])
            if not (depth_m_P[pixel] > zero and distance_m >= -reach_m):
                continue
            voxel = row_K[k] * len(z_m_R) + r
            weight = weight_P[pixel]
            if distance_m < -truncation_m:
                # Far behind a surface may be another, which is seen past its edge.
                left = (reach_m + distance_m) / (reach_m - truncation_m)
                weight *= max(left, FARTHEST_WEIGHT)
            count_V[voxel] += one
            trust_V[voxel] += weight
            share = weight / trust_V[voxel]
            new = min(distance_m, reach_m) * (one / truncation_m)
            tsdf_V[voxel] += (new - tsdf_V[voxel]) * share
            if len(rgb_P3):
                for c in range(3):
                    old = color_V3[voxel, c]
                    color_V3[voxel, c] = old + (np.float32(rgb_P3[pixel, c]) - old) * share
