# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""JPEG and PNG payloads of CompressedImage messages."""

from typing import Any, Protocol

import cv2
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.ros.pixels import bytes_of
import numpy as np

JPEG_START, JPEG_END = b'\xff\xd8', b'\xff\xd9'
PNG_START, PNG_END = b'\x89PNG', b'IEND'
TAIL = 1024
"""Drivers pad their buffers: the end mark is looked for in this many last bytes."""


class CompressedFields(Protocol):
    """A ``sensor_msgs/CompressedImage`` of any library."""

    format: str
    data: Any


def decoded(image: CompressedFields, flags: int, skip: int = 0) -> np.ndarray:
    """
    Decode a message's payload.

    :param flags: OpenCV's IMREAD flags
    :param skip: bytes before the payload
    :return: the image as decoded by OpenCV
    :raises InputError: if the payload is not a complete JPEG or PNG image
    """
    payload = bytes_of(image.data)[skip:]
    named = f'compressed image of format {shown(image.format)} and {len(payload)} bytes'
    _check_complete(named, payload)
    try:
        pixels = cv2.imdecode(payload, flags)
    except cv2.error as error:
        raise InputError(f'{named} cannot be decoded: {error.err}') from error
    if pixels is None:
        raise InputError(f'{named} cannot be decoded; the data is damaged')
    return pixels


def _check_complete(named: str, payload: np.ndarray) -> None:
    """Refuse truncated data, because decoders silently fill the rest with grey."""
    head, tail = payload[:4].tobytes(), payload[-TAIL:].tobytes()
    if head.startswith(JPEG_START):
        complete = JPEG_END in tail
    elif head == PNG_START:
        complete = PNG_END in tail
    else:
        raise InputError(f'{named} is neither JPEG nor PNG; use one of them, or the raw images')
    if not complete:
        raise InputError(f'{named} was cut short; check the network and the publisher')
