# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Remove lens distortion from recorded images, so that every frame is a pinhole image."""

from collections.abc import Sequence

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
import numpy as np

PINHOLE_MODELS = ('', 'plumb_bob', 'rational_polynomial')
FISHEYE_MODELS = ('equidistant', 'fisheye')
LEAST_RIGHT, MOST_FOLDED = 0.2, 0.3
"""
Shares of an undistorted image: right at least, and mirrored at most of what is not empty.

Calibrated lenses leave more than 0.9 and less than 0.01; wrong values of all kinds tried, such as
1000, -50 or two swapped coefficients of freiburg1, break one of these limits.
"""


class Rectifier:
    """
    Remap images of a distorted camera to a pinhole camera of the same size.

    :param distorted: camera model of the distorted images
    :param distortion: coefficients k1 k2 p1 p2 k3 ... (OpenCV), or k1 to k4 of a fisheye lens
    :param rectified: camera model of the result, that of the input by default
    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
    :raises SourceError: if the model is unknown, does not fit the coefficients, or leaves no image
    """

    def __init__(
        self,
        distorted: Intrinsics,
        distortion: Sequence[float],
        *,
        rectified: Intrinsics | None = None,
        model: str = 'plumb_bob',
    ) -> None:
        coefficients = np.array(distortion, dtype=np.float64)
        if not np.isfinite(coefficients).all():
            raise SourceError(f'distortion {list(distortion)} holds a value that is not a number')
        self.intrinsics = rectified or distorted
        same_camera = not coefficients.any() and self.intrinsics == distorted
        self._maps = None
        if not same_camera:
            self._maps = _maps(distorted, coefficients, self.intrinsics, model)
        if self._maps and coefficients.any():
            size = (distorted.width, distorted.height)
            _check_image_left(self._maps, size, coefficients, model)

    def rgb(self, rgb_HW3: np.ndarray) -> np.ndarray:
        """Rectify a color image; pixels from outside the image are black."""
        if self._maps is None:
            return rgb_HW3
        return cv2.remap(rgb_HW3, *self._maps, cv2.INTER_LINEAR)

    def depth(self, depth_m_HW: np.ndarray) -> np.ndarray:
        """Rectify depth by nearest neighbour; pixels from outside the image are NaN."""
        if self._maps is None:
            return depth_m_HW
        return cv2.remap(
            depth_m_HW,
            *self._maps,
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=float('nan'),
        )


def _maps(
    distorted: Intrinsics, coefficients: np.ndarray, rectified: Intrinsics, model: str
) -> tuple[np.ndarray, np.ndarray]:
    size = (rectified.width, rectified.height)
    matrix, new_matrix = distorted.matrix(), rectified.matrix()
    if model in FISHEYE_MODELS and len(coefficients) >= 4 and not coefficients[4:].any():
        coefficients = coefficients[:4]
        return cv2.fisheye.initUndistortRectifyMap(
            matrix, coefficients, np.eye(3), new_matrix, size, cv2.CV_32FC1
        )
    if model in PINHOLE_MODELS and len(coefficients) in (4, 5, 8, 12, 14):
        return cv2.initUndistortRectifyMap(
            matrix, coefficients, np.eye(3), new_matrix, size, cv2.CV_32FC1
        )
    if model in FISHEYE_MODELS or model in PINHOLE_MODELS:
        raise SourceError(
            f'distortion {_listed(coefficients)} has {len(coefficients)} coefficients, but '
            f'{_wanted(model)}; correct it'
        )
    raise SourceError(
        f'distortion model {shown(model)} is not supported; use plumb_bob, rational_polynomial or '
        'equidistant, or rectify the images first'
    )


def _check_image_left(
    maps: tuple[np.ndarray, np.ndarray],
    size: tuple[int, int],
    coefficients: np.ndarray,
    model: str,
) -> None:
    """
    Raise if undistorted images would be mostly empty or folded, as with a wrong order of values.

    A lens maps neighbours to neighbours. Where a polynomial turns back, the image is mirrored.
    """
    x_HW, y_HW = (map_HW.astype(np.float64) for map_HW in maps)
    inside_HW = (x_HW >= 0) & (x_HW <= size[0] - 1) & (y_HW >= 0) & (y_HW <= size[1] - 1)
    folded_HW = np.zeros_like(inside_HW)
    if min(x_HW.shape) > 1:
        with np.errstate(all='ignore'):
            (x_down, x_right), (y_down, y_right) = np.gradient(x_HW), np.gradient(y_HW)
            folded_HW = inside_HW & ~(x_right * y_down - x_down * y_right > 0)
    right, folded = (inside_HW & ~folded_HW).mean(), folded_HW.sum() / max(1, inside_HW.sum())
    if right >= LEAST_RIGHT and folded <= MOST_FOLDED:
        return
    raise SourceError(
        f'distortion {_listed(coefficients)} leaves {right:.0%} of the image right, the rest '
        f'empty or mirrored; check values and order: {_wanted(model)}'
    )


def _wanted(model: str) -> str:
    if model in FISHEYE_MODELS:
        return f'{model} takes k1 k2 k3 k4'
    return (
        f'{model or "plumb_bob"} takes k1 k2 p1 p2, then k3, then k4 k5 k6 and so on: 4, 5, 8, 12 '
        'or 14 numbers'
    )


def _listed(coefficients: np.ndarray) -> str:
    return ' '.join(f'{value:g}' for value in coefficients)
