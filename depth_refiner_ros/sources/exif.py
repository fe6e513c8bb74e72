# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera of a photograph, from the focal length in its EXIF record."""

from collections.abc import Callable
from dataclasses import dataclass
import io
import math
from pathlib import Path
import struct
from typing import Any
import warnings

from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.values import number
import numpy as np
from PIL import ExifTags, Image

FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
SIZE_TAGS = (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight)
MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0}
"""FocalPlaneResolutionUnit: inch, centimetre, millimetre."""
BROKEN = (
    *(OSError, EOFError, ValueError, SyntaxError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError, struct.error, Image.DecompressionBombError),
)
"""What Pillow raises if a file or its EXIF record is damaged."""


@dataclass(frozen=True, kw_only=True)
class ExifCamera:
    """
    A camera model and where it comes from.

    :param origin: such as ``focal length of 26 mm on 35 mm film, 67 deg across``
    """

    intrinsics: Intrinsics
    origin: str


class ExifCameras:
    """
    Finds the cameras of photographs and logs the first one.

    :param log: called with one line
    """

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log, self._logged = log, False

    def of(self, path: Path, data: bytes, rgb_HW3: np.ndarray) -> Intrinsics | None:
        """Return the camera of an image file, None if its EXIF record does not state it."""
        height, width = rgb_HW3.shape[:2]
        camera = exif_camera(data, width, height)
        if camera is None:
            return None
        if not self._logged:
            self._log(f'{path}: camera from EXIF, {camera.origin}')
            self._logged = True
        return camera.intrinsics


def exif_camera(data: bytes, width: int, height: int) -> ExifCamera | None:
    """
    Return the camera of an image file, None if its EXIF record does not state it.

    A cropped image, whose shape is not that of the EXIF record, has none.

    :param data: content of the file
    :param width: columns of the decoded image, turned upright or not
    """
    tags = _tags(data)
    long_px, short_px = max(width, height), min(width, height)
    noted_px = sorted(_value(tags, tag) or 0.0 for tag in SIZE_TAGS)
    if noted_px[0] and not same_aspect(long_px, short_px, noted_px[1], noted_px[0]):
        return None
    film_mm = _value(tags, ExifTags.Base.FocalLengthIn35mmFilm, 3.0, 5000.0)
    if film_mm:
        focal_px = film_mm / FILM_DIAGONAL_MM * math.hypot(width, height)
        return _camera(focal_px, width, height, f'{film_mm:g} mm on 35 mm film')
    focal_mm = _value(tags, ExifTags.Base.FocalLength, 0.1, 5000.0)
    px_per_unit = _value(tags, ExifTags.Base.FocalPlaneXResolution)
    unit = int(_value(tags, ExifTags.Base.FocalPlaneResolutionUnit) or 2)
    if not (focal_mm and px_per_unit and noted_px[0] and unit in MM_PER_UNIT):
        return None
    focal_px = focal_mm * px_per_unit / MM_PER_UNIT[unit] * long_px / noted_px[1]
    return _camera(focal_px, width, height, f'{focal_mm:g} mm and the size of the sensor')


def _camera(focal_px: float, width: int, height: int, origin: str) -> ExifCamera | None:
    try:
        intrinsics = Intrinsics(
            fx=focal_px,
            fy=focal_px,
            cx=(width - 1) / 2,
            cy=(height - 1) / 2,
            width=width,
            height=height,
        )
    except InputError:
        return None
    degrees = math.degrees(2.0 * math.atan(width / (2.0 * focal_px)))
    return ExifCamera(
        intrinsics=intrinsics, origin=f'focal length of {origin}, {degrees:.0f} deg across'
    )


def _tags(data: bytes) -> dict[int, Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of large images and odd records
            return dict(Image.open(io.BytesIO(data)).getexif().get_ifd(ExifTags.IFD.Exif))
    except BROKEN:
        return {}


def _value(tags: dict[int, Any], tag: int, low: float = 1e-6, high: float = 1e9) -> float | None:
    try:
        return number('', tags.get(tag), low, high)
    except InputError:
        return None
