# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image files as cameras and phones write them."""

import io

import cv2
import numpy as np
from PIL import ExifTags, Image
import pillow_heif

COLORS = np.zeros((40, 60, 3), np.uint8)
"""Top left red, top right green, bottom left blue, bottom right white."""
COLORS[:20, :30, 0] = COLORS[:20, 30:, 1] = COLORS[20:, :30, 2] = 250
COLORS[20:, 30:] = 250
SMALL = (8, 12)


def jpeg(rgb_HW3=COLORS, *, orientation=1, tags=(), thumbnail=False):
    """
    Return the bytes of a JPEG with an EXIF record.

    :param tags: pairs of EXIF tag and value
    :param thumbnail: put a small JPEG with an end mark of its own before the image
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update(tags)
    stream = io.BytesIO()
    Image.fromarray(rgb_HW3).save(stream, 'JPEG', quality=95, exif=exif)
    data = stream.getvalue()
    if not thumbnail:
        return data
    small = cv2.imencode('.jpg', np.zeros((*SMALL, 3), np.uint8))[1].tobytes()
    return data[:2] + b'\xff\xe2' + (len(small) + 2).to_bytes(2, 'big') + small + data[2:]


def photograph(kind, orientation):
    """
    Return the bytes of :data:`COLORS` as an image file that says how it is to be turned.

    :param kind: name of a format in Pillow; ``BIG TIFF`` is TIFF of more than 4 GB
    """
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stream = io.BytesIO()
    if kind == 'HEIF':
        pillow_heif.register_heif_opener()
    if kind.endswith('TIFF'):
        Image.fromarray(COLORS).save(stream, 'TIFF', exif=exif, big_tiff=kind == 'BIG TIFF')
    else:
        Image.fromarray(COLORS).save(stream, kind, quality=95, exif=exif.tobytes())
    return stream.getvalue()


def corners(rgb_HW3):
    """Return the colors of the four corners as words, row by row."""
    height, width = rgb_HW3.shape[:2]
    names = {(1, 0, 0): 'red', (0, 1, 0): 'green', (0, 0, 1): 'blue', (1, 1, 1): 'white'}
    places = [(y, x) for y in (5, height - 6) for x in (5, width - 6)]
    return [names[tuple(int(value > 128) for value in rgb_HW3[place])] for place in places]
