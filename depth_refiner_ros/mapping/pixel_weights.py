# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How much each pixel of a depth map counts in a map, by its variance."""

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np

LEAST = 0.01
"""Smallest weight: depth that passed the filters is never without effect."""


def pixel_weights(
    depth_m_HW: np.ndarray, intrinsics: Intrinsics, confidence_HW: np.ndarray | None = None
) -> np.ndarray:
    """
    Return confidence times squared cosine over squared depth, at most 1.

    The error of monocular depth is a share of the depth, and at a surface seen at a grazing angle
    an error along the ray, or of the outline by a pixel, moves the surface by that much more.
    The weight is the inverse of the variance, 1 for a surface at 1 m that faces the camera.

    :param depth_m_HW: float32 depth along Z, NaN where unknown
    :param confidence_HW: trust in [0, 1]; NaN counts as none
    :return: float32 of the same shape, at least :data:`LEAST`
    """
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        weight_HW = _cosine_squared(depth_m_HW, intrinsics) / np.square(depth_m_HW)
    if confidence_HW is not None:
        weight_HW *= confidence_HW
    # NaN, beside unknown depth, becomes the least weight.
    return np.fmin(np.fmax(weight_HW, np.float32(LEAST)), np.float32(1))


def _cosine_squared(depth_m_HW: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """
    Return the squared cosine between each viewing ray and the surface's normal.

    With ``a`` and ``b`` the derivatives of log depth by the ray's x and y, the normal is
    ``(a, b, -(1 + x a + y b))``, whose product with the ray ``(x, y, 1)`` is -1.
    """
    x_W = ((np.arange(camera.width) - camera.cx) / camera.fx).astype(np.float32)
    y_H1 = ((np.arange(camera.height) - camera.cy) / camera.fy).astype(np.float32)[:, None]
    a_HW, b_HW = np.zeros_like(depth_m_HW), np.zeros_like(depth_m_HW)
    half_fx, half_fy = np.float32(camera.fx / 2), np.float32(camera.fy / 2)
    a_HW[:, 1:-1] = (depth_m_HW[:, 2:] - depth_m_HW[:, :-2]) * half_fx / depth_m_HW[:, 1:-1]
    b_HW[1:-1] = (depth_m_HW[2:] - depth_m_HW[:-2]) * half_fy / depth_m_HW[1:-1]
    along_HW = 1 + x_W * a_HW + y_H1 * b_HW
    normal_HW = np.square(a_HW) + np.square(b_HW) + np.square(along_HW)
    return 1 / (normal_HW * (1 + np.square(x_W) + np.square(y_H1)))
