# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Keep images of some formats on the grid of the sensor.

OpenCV turns a TIFF image as its record says even where it is told not to, and decoders of HEIC
always turn.
"""

import struct

TAG = 274
"""Of the orientation, in TIFF and EXIF."""
UPRIGHT = 1
TIFF, BIG_TIFF = 42, 43
BYTE_ORDERS = {b'II': '<', b'MM': '>'}


def without_orientation(data: bytes) -> bytes:
    """Return the bytes of a TIFF file with a record that says upright; other files unchanged."""
    order = BYTE_ORDERS.get(data[:2])
    if order is None:
        return data
    try:
        at = _orientation_at(data, order)
    except (struct.error, OverflowError):  # damaged; the decoder says so
        return data
    if at is None:
        return data
    changed = bytearray(data)
    struct.pack_into(f'{order}H', changed, at, UPRIGHT)
    return bytes(changed)


def heic_turns(data: bytes) -> int:
    """Return the quarter turns to the left that the decoder of a HEIC file applies."""
    pixels_at = data.find(b'mdat')
    at = data.find(b'irot', 0, pixels_at if pixels_at > 0 else len(data))
    return data[at + 4] & 3 if 0 <= at < len(data) - 4 else 0


def _orientation_at(data: bytes, order: str) -> int | None:
    """
    Return where the orientation of the first page is stored, None if it is not.

    :raises struct.error, OverflowError: if the file is damaged
    """
    (version,) = struct.unpack_from(f'{order}H', data, 2)
    if version == TIFF:
        start, count, entry, step, value = 4, f'{order}H', f'{order}I', 12, 8
    elif version == BIG_TIFF:
        start, count, entry, step, value = 8, f'{order}Q', f'{order}Q', 20, 12
    else:
        return None
    (page,) = struct.unpack_from(entry, data, start)
    (entries,) = struct.unpack_from(count, data, page)
    first = page + struct.calcsize(count)
    for at in range(first, min(first + step * entries, len(data)), step):
        if struct.unpack_from(f'{order}H', data, at) == (TAG,):
            struct.unpack_from(f'{order}H', data, at + value)
            return at + value
    return None
