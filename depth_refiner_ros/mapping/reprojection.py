# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Look at the points of one depth map from the pose of another."""

from dataclasses import dataclass

from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import inverse
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Reprojected:
    """
    Points of the source inside the target's image.

    :param depth_m_N: their depth along the target's Z
    :param pixel_N: the pixel nearest to each, ``row * width + column``
    :param share: of the source's points that are inside
    """

    depth_m_N: np.ndarray
    pixel_N: np.ndarray
    share: float


def reprojected(source: PosedDepth, target: PosedDepth, *, stride_px: int = 1) -> Reprojected:
    """
    Return where the source's points appear in the target, row by row.

    :param stride_px: take every n-th row and column of the source
    """
    camera, first = source.intrinsics, stride_px // 2
    depth_m_HW = source.depth_m_HW[first::stride_px, first::stride_px]
    rows, columns = np.nonzero((depth_m_HW > 0) & (depth_m_HW < np.inf))
    depth_m_N = depth_m_HW[rows, columns]
    target_from_source = inverse(target.map_from_camera) @ source.map_from_camera
    rotation, shift_m_3 = target_from_source[:3, :3], target_from_source[:3, 3]
    x_W = (np.arange(depth_m_HW.shape[1]) * stride_px + first - camera.cx) / camera.fx
    y_H = (np.arange(depth_m_HW.shape[0]) * stride_px + first - camera.cy) / camera.fy
    # The ray of a pixel, turned, is a part of its column and a part of its row.
    x_m, y_m, z_m = (
        ((right * x_W + ahead).astype(np.float32)[columns] + (down * y_H).astype(np.float32)[rows])
        * depth_m_N
        + np.float32(shift_m)
        for (right, down, ahead), shift_m in zip(rotation, shift_m_3)
    )
    seen = target.intrinsics
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        column_N = np.rint(x_m / z_m * np.float32(seen.fx) + np.float32(seen.cx))
        row_N = np.rint(y_m / z_m * np.float32(seen.fy) + np.float32(seen.cy))
    inside = (z_m > 0) & (column_N >= 0) & (row_N >= 0)
    inside &= (column_N < seen.width) & (row_N < seen.height)
    pixel_N = row_N[inside].astype(np.int64) * seen.width + column_N[inside].astype(np.int64)
    share = len(pixel_N) / len(z_m) if len(z_m) else 0.0
    return Reprojected(depth_m_N=z_m[inside], pixel_N=pixel_N, share=share)
