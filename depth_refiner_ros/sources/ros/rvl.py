# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
RVL, the lossless code of depth images that compressed_depth_image_transport offers beside PNG.

A. D. Wilson, "Fast Lossless Depth Image Compression", ISS 2017: runs of zeros and of differences
between neighbors, in numbers of 3-bit groups. Each group is a nibble whose highest bit says that
more follow, the lowest group first. Nibbles fill little-endian 32-bit words from the top.
"""

import struct

from depth_refiner_ros.core.errors import InputError
import numpy as np

SIZE = struct.Struct('<II')
"""Columns and rows, in front of the code."""
MOST_PIXELS = 2**26
"""A blank image of any size takes eight bytes, so the length of the code sets no limit."""
MOST_GROUPS = 10
"""Groups of 3 bits in a 32-bit number, rounded down; more are damage."""


def decoded_rvl(data: np.ndarray) -> np.ndarray:
    """
    Decode an image.

    :param data: uint8 bytes: columns, rows, code
    :return: ``values_HW`` uint16
    :raises InputError: if the code is truncated or visibly damaged
    """
    if len(data) < SIZE.size:
        raise InputError(f'RVL depth of {len(data)} bytes is cut short; check the network')
    width, height = SIZE.unpack(data[: SIZE.size].tobytes())
    code = data[SIZE.size :]
    named = f'RVL depth of {width}x{height} in {len(data)} bytes'
    if not 0 < width * height <= MOST_PIXELS:
        raise InputError(f'{named} has no usable size; the data is damaged')
    numbers = _numbers(code, named)
    places, differences = _placed(numbers, width * height, named)
    values = np.zeros(width * height, np.uint16)
    # Sums wrap around, as in the encoder.
    values[places] = np.cumsum(_signed(differences)).astype(np.uint16)
    return values.reshape(height, width)


def _numbers(code: np.ndarray, named: str) -> np.ndarray:
    """Return the numbers that the nibbles encode, int64, without a truncated last one."""
    words = np.frombuffer(code[: len(code) // 4 * 4].tobytes(), '<u4')
    shifts = np.arange(28, -1, -4, dtype=np.uint32)
    nibbles: np.ndarray = ((words[:, None] >> shifts) & 15).astype(np.int32).ravel()
    ends = np.flatnonzero(nibbles < 8)
    if not len(ends):
        raise InputError(f'{named} is cut short; check the network')
    nibbles = nibbles[: ends[-1] + 1]
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > MOST_GROUPS:
        raise InputError(f'{named} is damaged: it holds a number of more than 32 bits')
    group = np.arange(len(nibbles), dtype=np.int32) - np.repeat(starts, lengths).astype(np.int32)
    return np.add.reduceat((nibbles & 7) << (3 * group), starts).astype(np.int64)


def _placed(numbers: np.ndarray, pixels: int, named: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where the non-zero pixels are, and their numbers, by walking the runs."""
    index = place = 0
    places: list[int] = []
    indices: list[int] = []
    counts: list[int] = []
    while place < pixels:
        if index + 1 >= len(numbers):
            raise InputError(f'{named} is cut short after {place} pixels; check the network')
        place += int(numbers[index])
        count = int(numbers[index + 1])
        index += 2
        if place + count > pixels or index + count > len(numbers):
            raise InputError(f'{named} is damaged or cut short after {place} pixels')
        places.append(place)
        indices.append(index)
        counts.append(count)
        place += count
        index += count
    return _ranges(places, counts), numbers[_ranges(indices, counts)]


def _ranges(starts: list[int], counts: list[int]) -> np.ndarray:
    """Return the numbers from each start on, as many as its count, one range after the other."""
    lengths = np.array(counts)
    before = np.cumsum(lengths) - lengths
    return np.repeat(np.array(starts) - before, lengths) + np.arange(lengths.sum())


def _signed(numbers: np.ndarray) -> np.ndarray:
    """Return the signed differences of numbers that carry their sign in the lowest bit."""
    return (numbers >> 1) ^ -(numbers & 1)
