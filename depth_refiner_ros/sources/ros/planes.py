# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images whose brightness and color lie in two planes, as video decoders deliver them."""

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.pixels import bytes_of, check_buffer, ImageFields
import numpy as np

PLANAR = {'nv12': cv2.COLOR_YUV2RGB_NV12, 'nv21': cv2.COLOR_YUV2RGB_NV21}
"""A plane of Y, then one of U and V (nv12) or V and U for each 2 x 2 pixels."""


def rgb_from_planes(image: ImageFields) -> np.ndarray:
    """
    Return an nv12 or nv21 image as rgb8.

    Most publishers give the height of the picture; some give that of the buffer, one and a half
    times as high, which the length of ``data`` shows.

    :return: ``rgb_HW3`` uint8
    :raises InputError: if the size is odd or the buffer does not fit
    """
    rows = picture_rows(image)
    if image.width % 2 or rows % 2:
        raise InputError(
            f'image of {image.width}x{rows} {image.encoding}: 2x2 pixels share their color, so '
            'width and height must be even'
        )
    check_buffer(image, image.width, rows * 3 // 2)
    planes_HW: np.ndarray = np.ndarray(
        (rows * 3 // 2, image.width), np.uint8, bytes_of(image.data), strides=(image.step, 1)
    )
    return cv2.cvtColor(np.ascontiguousarray(planes_HW), PLANAR[image.encoding])


def picture_rows(image: ImageFields) -> int:
    """Return the rows of the picture in a message of any encoding."""
    as_buffer = (
        image.encoding in PLANAR
        and image.height % 3 == 0
        and len(image.data) == image.step * image.height
    )
    return image.height // 3 * 2 if as_buffer else image.height
