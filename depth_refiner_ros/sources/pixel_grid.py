# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One pixel grid: color and depth of a frame have one orientation, aspect and size."""

import cv2
from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.sources.lost_frames import FrameError, WRONG_SIZE
import numpy as np


def on_grid(depth_m_HW: np.ndarray, rgb_HW3: np.ndarray, where: str) -> np.ndarray:
    """
    Return depth at the size of its image.

    :param where: names the depth in messages
    :raises FrameError: if the aspect ratio differs: the depth shows another view or is rotated
    """
    (height, width), (own_height, own_width) = rgb_HW3.shape[:2], depth_m_HW.shape
    if not same_aspect(own_width, own_height, width, height):
        raise FrameError(
            WRONG_SIZE,
            f'{where} is {own_width}x{own_height}, its image {width}x{height}; register the depth '
            'to the image, in the same orientation',
        )
    return resampled_nearest(depth_m_HW, height, width)


def resampled_nearest(depth_m_HW: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return resized depth; nearest neighbor, as a mean of two surfaces lies on neither."""
    if depth_m_HW.shape == (height, width):
        return depth_m_HW
    return cv2.resize(depth_m_HW, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
