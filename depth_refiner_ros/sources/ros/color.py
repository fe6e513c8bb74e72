# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Color images of every usual encoding to rgb8."""

from dataclasses import dataclass

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.sources.ros.compressed import CompressedFields, decoded
from depth_refiner_ros.sources.ros.pixels import ImageFields, matrix_of
from depth_refiner_ros.sources.ros.planes import PLANAR, rgb_from_planes
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np


@dataclass(frozen=True)
class Layout:
    """
    Memory layout of the pixels of an encoding.

    :param dtype: numpy name of one value
    :param channels: values per pixel
    :param to_rgb: OpenCV's conversion, None if it is rgb already
    """

    dtype: str
    channels: int
    to_rgb: int | None


# ROS names a Bayer pattern by its first row, OpenCV by the second row from the second column.
BAYER = {
    'rggb': cv2.COLOR_BayerBG2RGB,
    'bggr': cv2.COLOR_BayerRG2RGB,
    'gbrg': cv2.COLOR_BayerGR2RGB,
    'grbg': cv2.COLOR_BayerGB2RGB,
}
LEAST_MOSAIC = 4
"""Least width and height, in pixels, of which OpenCV makes a color image."""
ORDERS = {
    'rgb': (3, None),
    'bgr': (3, cv2.COLOR_BGR2RGB),
    'rgba': (4, cv2.COLOR_RGBA2RGB),
    'bgra': (4, cv2.COLOR_BGRA2RGB),
    'mono': (1, cv2.COLOR_GRAY2RGB),
}
LAYOUTS = {
    **{
        f'{order}{8 * size}': Layout(f'u{size}', channels, code)
        for order, (channels, code) in ORDERS.items()
        for size in (1, 2)
    },
    **{
        f'bayer_{pattern}{8 * size}': Layout(f'u{size}', 1, code)
        for pattern, code in BAYER.items()
        for size in (1, 2)
    },
    **dict.fromkeys(('yuv422', 'uyvy'), Layout('u1', 2, cv2.COLOR_YUV2RGB_UYVY)),
    **dict.fromkeys(('yuv422_yuy2', 'yuyv'), Layout('u1', 2, cv2.COLOR_YUV2RGB_YUYV)),
    '8UC1': Layout('u1', 1, cv2.COLOR_GRAY2RGB),
    # Drivers that fill these from OpenCV use its channel order.
    '8UC3': Layout('u1', 3, cv2.COLOR_BGR2RGB),
    '8UC4': Layout('u1', 4, cv2.COLOR_BGRA2RGB),
}


def rgb_from_image(image: ImageFields, sixteen_bits: BitRange | None = None) -> np.ndarray:
    """
    Return a color or gray image as rgb8.

    :param sixteen_bits: range of 16-bit values; None takes that of the brightest value
    :return: ``rgb_HW3`` uint8; a view of the message where it is rgb8
    :raises InputError: if the encoding is unknown or the buffer does not fit
    """
    if image.encoding in PLANAR:
        return rgb_from_planes(image)
    layout = LAYOUTS.get(image.encoding)
    if layout is None:
        raise InputError(_unknown(image.encoding))
    pixels = matrix_of(image, layout.dtype, layout.channels)
    _check_pattern(image)
    if layout.dtype == 'u2':
        pixels = (sixteen_bits or BitRange()).to_uint8(pixels)
    return pixels if layout.to_rgb is None else cv2.cvtColor(pixels, layout.to_rgb)


def rgb_from_compressed(
    image: CompressedFields, sixteen_bits: BitRange | None = None
) -> np.ndarray:
    """
    Decode a JPEG or PNG image as rgb8.

    :param sixteen_bits: range of 16-bit values; None takes that of the brightest value
    :return: ``rgb_HW3`` uint8
    :raises InputError: if the data is not a complete JPEG or PNG image
    """
    # camera_info describes the sensor's pixel grid, so the EXIF orientation is ignored.
    pixels = decoded(image, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION)
    to_rgb = cv2.COLOR_BGR2RGB
    encoding = image.format.split(';')[0].strip()
    if encoding.startswith('bayer') and encoding in LAYOUTS:
        # image_transport compresses the mosaic as a gray image, other publishers the color.
        mosaic = decoded(image, cv2.IMREAD_UNCHANGED)
        if mosaic.ndim == 2 and min(mosaic.shape) >= LEAST_MOSAIC:
            pixels, to_rgb = mosaic, BAYER[encoding[6:10]]
    if pixels.dtype == np.uint16:
        pixels = (sixteen_bits or BitRange()).to_uint8(pixels)
    return cv2.cvtColor(pixels, to_rgb)


def _check_pattern(image: ImageFields) -> None:
    size = f'image of {image.width}x{image.height} {image.encoding}'
    if LAYOUTS[image.encoding].channels == 2 and image.width % 2:
        raise InputError(f'{size}: pairs of pixels share their color, so the width must be even')
    if image.encoding.startswith('bayer') and min(image.width, image.height) < LEAST_MOSAIC:
        least = f'{LEAST_MOSAIC}x{LEAST_MOSAIC}'
        raise InputError(f'{size} is too small for its color pattern; {least} at least')


def _unknown(encoding: str) -> str:
    if encoding in ('16UC1', '32FC1'):
        return (
            f'encoding {shown(encoding)} is depth, not color; remap it to depth_in, or choose it '
            'by depth_topic in a recording'
        )
    known = [*LAYOUTS, *PLANAR]
    hint = nearest(encoding, known) or f'; supported are {", ".join(known)}'
    return f'encoding {shown(encoding)} is not supported{hint}'
