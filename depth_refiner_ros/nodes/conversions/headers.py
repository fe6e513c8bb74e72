# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stamps, headers and the byte buffers of messages."""

import array
from typing import Any, Protocol, TypeVar

from builtin_interfaces.msg import Time
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.message_fields import as_bytes
from depth_refiner_ros.core.stamps import NS_PER_S, STAMPS_END_S
from depth_refiner_ros.sources.ros.pose import stamp_ns_of
import numpy as np
from std_msgs.msg import Header

__all__ = ['HasData', 'buffer_of', 'filled', 'header_of', 'stamp_ns_of', 'stamp_of']


class HasData(Protocol):
    """A message with a byte buffer."""

    data: Any


Message = TypeVar('Message', bound=HasData)


def stamp_of(stamp_ns: int) -> Time:
    """
    Return nanoseconds as a message.

    :raises InputError: if the seconds do not fit into a ROS message
    """
    seconds, rest = divmod(stamp_ns, NS_PER_S)
    if not -STAMPS_END_S <= seconds < STAMPS_END_S:
        raise InputError(
            f'stamp of {seconds} s does not fit into a ROS message, which ends at '
            f'{STAMPS_END_S} s (2038); give stamps in seconds since 1970 or since the start'
        )
    return Time(sec=seconds, nanosec=rest)


def header_of(stamp_ns: int, frame_id: str) -> Header:
    """Return a header."""
    return Header(stamp=stamp_of(stamp_ns), frame_id=frame_id)


def buffer_of(values: np.ndarray) -> array.array:
    """
    Return an array as the buffer that a ``uint8[]`` field takes in one copy.

    An ndarray would be checked element by element, 160 ms for one 720p depth map.
    """
    buffer = array.array('B')
    buffer.frombytes(as_bytes(values).data)
    return buffer


def filled(message: Message, buffer: array.array) -> Message:
    """Set a message's data and return it; the constructor would copy the data once more."""
    message.data = buffer
    return message
