# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The inner loop of the search for blocks, compiled by Numba: each ray is walked once."""

from collections.abc import Callable
from functools import cache

import numpy as np

BITS = 21
"""Bits of one block index inside a 64-bit key."""
OFFSET = 1 << (BITS - 1)


@cache
def compiled_walk() -> Callable[..., int]:
    """Return :func:`walk_rays` as machine code."""
    from numba import float32, int64, njit  # takes half a second

    images, rays = (float32[:, ::1],) * 2, (float32[:, ::1],) * 2
    signature = int64(*images, *rays, float32[::1], float32[::1], int64[:, ::1], int64[::1])
    compiled: Callable[..., int] = njit(signature, error_model='numpy')(walk_rays)
    return compiled


def walk_rays(
    near_m_HW: np.ndarray,
    far_m_HW: np.ndarray,
    ray_W3: np.ndarray,
    ray_H3: np.ndarray,
    start_3: np.ndarray,
    share_S: np.ndarray,
    last_WS: np.ndarray,
    key_N: np.ndarray,
) -> int:
    """
    Write one number for each block that a step between two depths along a ray reaches.

    Most of what the step of the pixel before, or above, has reached is not repeated.

    :param near_m_HW: float32, 0 or more
    :param far_m_HW: float32, 0 where the ray meets nothing
    :param ray_W3: float32, what a column adds to a ray, in blocks per metre of depth
    :param ray_H3: float32, what a row adds to it
    :param start_3: float32, where all rays begin, in blocks
    :param share_S: float32, the steps from near, 0, to far, 1
    :param last_WS: int64, zeros, for the last number of each column and step
    :param key_N: int64, for a number of each ray and step
    :return: how many were written
    """
    height, width = far_m_HW.shape
    start_x, start_y, start_z = start_3
    found = 0
    for row in range(height):
        for column in range(width):
            if far_m_HW[row, column] == 0:
                continue
            near_m = near_m_HW[row, column]
            band_m = far_m_HW[row, column] - near_m
            ray_x = ray_W3[column, 0] + ray_H3[row, 0]
            ray_y = ray_W3[column, 1] + ray_H3[row, 1]
            ray_z = ray_W3[column, 2] + ray_H3[row, 2]
            for s in range(len(share_S)):
                depth_m = near_m + band_m * share_S[s]
                x = np.int64(np.floor(ray_x * depth_m + start_x)) + OFFSET
                y = np.int64(np.floor(ray_y * depth_m + start_y)) + OFFSET
                z = np.int64(np.floor(ray_z * depth_m + start_z)) + OFFSET
                key = (x << 2 * BITS) | (y << BITS) | z
                # Column -1 is the last one, which is as good.
                if key != last_WS[column - 1, s] and key != last_WS[column, s]:
                    key_N[found] = key
                    found += 1
                last_WS[column, s] = key
    return found
