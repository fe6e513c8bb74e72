# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Check that an image file is complete.

OpenCV silently fills the missing rows of a truncated file with grey or black, and some
versions do the same for a file with flipped bits.
"""

import re
import struct
import zlib

PNG_START = b'\x89PNG\r\n\x1a\n'
JPEG_START = b'\xff\xd8\xff'
JPEG_END, JPEG_SCAN = 0xD9, 0xDA
JPEG_WITHOUT_LENGTH = frozenset([0x01, 0xD8, *range(0xD0, 0xD8)])
JPEG_MARKER = re.compile(rb'\xff+([^\x00\xff\xd0-\xd7])', re.DOTALL)
"""A marker within compressed data; 0 is stuffing, D0 to D7 restart the decoder."""


def fault_of(data: bytes) -> str:
    """Return what is wrong with the bytes of a PNG or JPEG file, '' if nothing was found."""
    if data.startswith(PNG_START[: len(data)]) and data:
        return _png_fault(data)
    if data.startswith(JPEG_START):
        return '' if _jpeg_is_whole(data) else 'cut short'
    return ''


def _png_fault(data: bytes) -> str:
    at = len(PNG_START)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, at)
        kind, end = data[at + 4 : at + 8], at + 8 + length
        if end + 4 > len(data):
            break
        if kind[:1].isupper() and data[end : end + 4] != struct.pack(
            '>I', zlib.crc32(data[at + 4 : end])
        ):
            return 'damaged'
        if kind == b'IEND':
            return ''
        at = end + 4
    return 'cut short'


def _jpeg_is_whole(data: bytes) -> bool:
    """
    Walk the segments up to the end of the image.

    Segments are skipped by their length, because a thumbnail in one has its own end marker.
    """
    at = 2
    while (marker := JPEG_MARKER.search(data, at)) is not None:
        kind, at = marker.group(1)[0], marker.end()
        if kind == JPEG_END:
            return True
        if kind in JPEG_WITHOUT_LENGTH:
            continue
        if at + 2 > len(data):
            return False
        at += struct.unpack_from('>H', data, at)[0]
    return False
