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


class Rectifier:
    """
    Remap images of a distorted camera to a pinhole camera of the same size.

    :param distorted: camera model of the distorted images
    :param distortion: coefficients k1 k2 p1 p2 k3 ... (OpenCV), or k1 to k4 of a fisheye lens
    :param rectified: camera model of the result, that of the input by default
    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``
    :raises SourceError: if the model is unknown or does not fit the coefficients
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
        self._maps = (
            None if same_camera else _maps(distorted, coefficients, self.intrinsics, model)
        )

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
    raise SourceError(
        f'distortion model {shown(model)} with {len(coefficients)} coefficients is not '
        'supported; rectify the images first'
    )
