# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Larger points for pictures of maps that are known at single pixels only, as of a lidar."""

import cv2
import numpy as np

ALONE = 0.75
"""
Known neighbours of a known pixel, as a share of 8, below which a map counts as points.

Depth cameras and networks give 0.98 to 1, projected lidar 0 to 0.52.
"""
RADIUS_PX = 1.5, 3.0
"""Smallest and largest radius of a point, in pixels of the picture."""


def with_larger_points(values_HW: np.ndarray, picture_width: int) -> np.ndarray:
    """
    Return a map in whose picture single points can be seen; other maps as they are.

    Only for drawing: around each point unknown pixels take its value, farther where there are
    fewer points.

    :param values_HW: numbers, NaN where unknown
    :param picture_width: pixels to which the map will be resized
    """
    unknown_HW = np.isnan(values_HW)
    if unknown_HW.all() or not _is_points(~unknown_HW):
        return values_HW
    shrunk = values_HW.shape[1] / picture_width
    spacing_px = (values_HW.size / np.count_nonzero(~unknown_HW)) ** 0.5
    radius_px = np.clip(spacing_px / 3, *(shrunk * radius for radius in RADIUS_PX))
    distance_HW, nearest_HW = cv2.distanceTransformWithLabels(
        unknown_HW.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    value_of = np.full(int(nearest_HW.max()) + 1, np.nan, values_HW.dtype)
    value_of[nearest_HW[~unknown_HW]] = values_HW[~unknown_HW]
    return np.where(distance_HW <= radius_px, value_of[nearest_HW], np.nan)


def _is_points(known_HW: np.ndarray) -> bool:
    """Whether most known pixels have few known ones beside them."""
    near_HW = cv2.boxFilter(known_HW.astype(np.float32), -1, (3, 3), normalize=False)
    return float(near_HW[known_HW].mean() - 1) / 8 < ALONE
