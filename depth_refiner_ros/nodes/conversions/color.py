# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Color images as messages."""

import cv2
from depth_refiner_ros.nodes.conversions.headers import buffer_of, filled
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header


def image_from_rgb(header: Header, rgb_HW3: np.ndarray) -> Image:
    """Return an rgb8 message."""
    height, width = rgb_HW3.shape[:2]
    return filled(
        Image(header=header, height=height, width=width, encoding='rgb8', step=3 * width),
        buffer_of(rgb_HW3),
    )


def compressed_from_rgb(header: Header, rgb_HW3: np.ndarray, quality: int = 95) -> CompressedImage:
    """Return a JPEG message like image_transport."""
    _, jpeg = cv2.imencode(
        '.jpg', cv2.cvtColor(rgb_HW3, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    return filled(
        CompressedImage(header=header, format='rgb8; jpeg compressed bgr8'), buffer_of(jpeg)
    )
