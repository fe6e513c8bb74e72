# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Colors for depth, disagreement and error.

Depth runs from red (near) to blue (far), what is unknown is grey, and every map has a legend.
"""

from enum import Enum

import cv2
from depth_refiner_ros.core.errors import InputError
import numpy as np

UNKNOWN_RGB = (128, 128, 128)


class Palette(Enum):
    """Which 256 colors, from low to high."""

    DEPTH = (cv2.COLORMAP_TURBO, True)
    DIFFERENCE = (cv2.COLORMAP_VIRIDIS, False)
    ERROR = (cv2.COLORMAP_INFERNO, False)

    def table_256_3(self) -> np.ndarray:
        """Return the RGB colors as ``uint8``."""
        code, reverse = self.value
        ramp = np.arange(256, dtype=np.uint8)[:: -1 if reverse else 1]
        return cv2.applyColorMap(ramp[:, None], code)[:, 0, ::-1].copy()


def colorize(values_HW: np.ndarray, low: float, high: float, palette: Palette) -> np.ndarray:
    """
    Paint values between two limits; values beyond them take the end colors, NaN is grey.

    :param values_HW: numbers, NaN where unknown
    :return: ``rgb_HW3`` uint8
    :raises InputError: if the limits are not finite and in order, or the map is not 2-D
    """
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise InputError(f'color limits {low:g} .. {high:g} must be finite and in order')
    if values_HW.ndim != 2:
        raise InputError(f'a map has rows and columns only, not shape {values_HW.shape}')
    known_HW = ~np.isnan(values_HW)
    share_HW = (np.where(known_HW, values_HW, low) - low) / (high - low)
    index_HW = np.rint(np.clip(share_HW, 0.0, 1.0) * 255.0).astype(np.uint8)
    rgb_HW3 = palette.table_256_3()[index_HW]
    rgb_HW3[~known_HW] = UNKNOWN_RGB
    return rgb_HW3


def depth_limits_m(*depths_m_HW: np.ndarray | None, percent: float = 2.0) -> tuple[float, float]:
    """
    Return the range of colors that suits several depth maps of one view.

    :param percent: share of near and of far pixels that may fall on the end colors
    :return: near and far in metres, at least a millimetre apart; 0 to 1 where nothing is known
    """
    known = [depth[np.isfinite(depth)] for depth in depths_m_HW if depth is not None]
    values = np.concatenate(known) if known else np.empty(0)
    if values.size == 0:
        return 0.0, 1.0
    near_m, far_m = (float(v) for v in np.percentile(values, [percent, 100.0 - percent]))
    return near_m, max(far_m, near_m + 1e-3)


def relative_error(depth_m_HW: np.ndarray, truth_m_HW: np.ndarray) -> np.ndarray:
    """Return |depth - truth| / truth, NaN where either is unknown."""
    both_HW = np.isfinite(depth_m_HW) & np.isfinite(truth_m_HW) & (truth_m_HW > 0)
    error_HW = np.full(depth_m_HW.shape, np.nan, dtype=np.float32)
    error_HW[both_HW] = np.abs(depth_m_HW - truth_m_HW)[both_HW] / truth_m_HW[both_HW]
    return error_HW


def legend_bar(width: int, height: int, palette: Palette) -> np.ndarray:
    """Return the colors of a palette from low (left) to high (right) as ``rgb_HW3``."""
    ramp_1W = np.linspace(0.0, 1.0, width, dtype=np.float32)[None]
    return np.repeat(colorize(ramp_1W, 0.0, 1.0, palette), height, axis=0)
