# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read image messages, raw or compressed, from a bag or a live topic."""

from typing import Any

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.ros.color import LAYOUTS, rgb_from_compressed, rgb_from_image
from depth_refiner_ros.sources.ros.compressed import decoded
from depth_refiner_ros.sources.ros.depth import depth_from_compressed, depth_from_image
from depth_refiner_ros.sources.ros.planes import picture_rows, PLANAR
from depth_refiner_ros.sources.ros.topic_names import names_depth
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np

DEPTH_ENCODINGS = ('16UC1', '32FC1')
"""Encodings used only for depth; mono16 may be a gray image."""


def is_depth(message: Any, topic: str) -> bool:
    """
    Distinguish depth from color by encoding or, if that is ambiguous, by the name of the topic.

    :param message: Image or CompressedImage
    :param topic: name of its topic
    """
    encoding = encoding_of(message)
    if encoding in DEPTH_ENCODINGS:
        return True
    named_depth = names_depth(topic) is True
    if is_raw(message):
        return named_depth and encoding == 'mono16'
    if 'compressedDepth' in (*message.format.split(), *topic.split('/')):
        return True
    return named_depth and (
        encoding == 'mono16' or (encoding == '' and _sixteen_bit_gray(message))
    )


def encoding_of(message: Any) -> str:
    """Return the encoding of an image before its compression, '' if the message omits it."""
    if is_raw(message):
        return str(message.encoding)
    encoding, *transport = str(message.format).split(';')
    named = transport or encoding in DEPTH_ENCODINGS
    return encoding.strip() if named else ''


def is_colored(message: Any) -> bool:
    """Whether the encoding of an image is one of color."""
    encoding = encoding_of(message)
    layout = LAYOUTS.get(encoding)
    many = layout is not None and (layout.channels > 1 or encoding.startswith('bayer'))
    return many or encoding in PLANAR


def held_encoding(message: Any) -> str:
    """Return the encoding of an image for a message, the whole format of a compressed one."""
    return str(message.encoding if is_raw(message) else message.format)


def is_gray(message: Any) -> bool:
    """Whether the encoding of an image has no color."""
    return encoding_of(message) in ('mono8', 'mono16', '8UC1', '16UC1')


def image_size(message: Any) -> tuple[int, int] | None:
    """Return width and height of an image, None if it is empty or cannot be decoded."""
    if is_raw(message):
        size = int(message.width), picture_rows(message)
        return size if all(size) else None
    coded = encoding_of(message) in DEPTH_ENCODINGS or 'compressedDepth' in message.format
    try:
        height, width = (depth_from_message if coded else rgb_from_message)(message).shape[:2]
    except InputError:
        return None
    return width, height


def rgb_from_message(message: Any, sixteen_bits: BitRange | None = None) -> np.ndarray:
    """
    Return an Image or CompressedImage as ``rgb_HW3`` uint8.

    :param sixteen_bits: range of 16-bit values; None takes that of the brightest value
    :raises InputError: if the encoding is unknown or the data do not fit
    """
    decode = rgb_from_image if is_raw(message) else rgb_from_compressed
    return decode(message, sixteen_bits)


def depth_from_message(message: Any) -> np.ndarray:
    """
    Return an Image or CompressedImage as ``depth_m_HW`` float32, NaN where unknown.

    :raises InputError: if the encoding is unknown or the data do not fit
    """
    return depth_from_image(message) if is_raw(message) else depth_from_compressed(message)


def is_raw(message: Any) -> bool:
    """Whether a message is an Image; a CompressedImage has a format instead of an encoding."""
    return hasattr(message, 'encoding')


def _sixteen_bit_gray(message: Any) -> bool:
    try:
        pixels = decoded(message, cv2.IMREAD_UNCHANGED)
    except InputError:
        return False
    return pixels.ndim == 2 and pixels.dtype == np.uint16
