# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The pixel matrix behind an Image message, checked before anything is read.

Only the fields of a message matter, so messages from bags and live topics are read alike.
"""

import array
from typing import Any, Protocol

from depth_refiner_ros.core.errors import InputError
import numpy as np


class ImageFields(Protocol):
    """A ``sensor_msgs/Image`` of any library."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


def bytes_of(data: Any) -> np.ndarray:
    """Return a uint8 view of a message's ``data``, whatever buffer type its library uses."""
    if isinstance(data, array.array | bytes | bytearray | memoryview):
        return np.frombuffer(data, dtype=np.uint8)
    return np.asarray(data, dtype=np.uint8)


def matrix_of(image: ImageFields, dtype: str, channels: int) -> np.ndarray:
    """
    Return the pixels of a message, with respect to row padding and byte order.

    They are a view, unless values must be swapped or rows begin within a value.

    :param dtype: numpy name of one value without byte order: ``u1``, ``u2`` or ``f4``
    :return: ``pixels_HWC`` of native byte order, or ``pixels_HW`` for one channel
    :raises InputError: if size, step and buffer do not fit together
    """
    value = np.dtype(dtype).newbyteorder('>' if image.is_bigendian else '<')
    row_bytes = image.width * channels * value.itemsize
    check_buffer(image, row_bytes, image.height)
    pixels_HWC: np.ndarray = np.ndarray(
        (image.height, image.width, channels),
        value,
        bytes_of(image.data),
        strides=(image.step, channels * value.itemsize, value.itemsize),
    )
    pixels = pixels_HWC[..., 0] if channels == 1 else pixels_HWC
    if image.step % value.itemsize:  # OpenCV takes the step of rows for one of whole values
        pixels = np.ascontiguousarray(pixels)
    return pixels if value.isnative else pixels.astype(value.newbyteorder('='))


def check_buffer(image: ImageFields, row_bytes: int, rows: int) -> None:
    """
    Make sure that ``data`` holds the rows of an image.

    :param row_bytes: bytes of a row that are read; ``step`` may be longer
    :param rows: rows that are read
    :raises InputError: if there is no pixel, or size, step and buffer do not fit together
    """
    size = f'image of {image.width}x{image.height} {image.encoding}'
    if image.width == 0 or image.height == 0:
        raise InputError(f'{size} has no pixels; check the camera driver')
    if image.step < row_bytes:
        raise InputError(
            f'{size}: step = {image.step} bytes is too small for a row of '
            f'{row_bytes}; the publisher must set step to the length of a row'
        )
    needed = image.step * (rows - 1) + row_bytes
    if len(image.data) < needed:
        raise InputError(
            f'{size}: data holds {len(image.data)} bytes where {needed} are needed; '
            'the message was cut short or its size is wrong'
        )
