# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Waymo's perception set, extracted to image folders.

Its own TFRecord files need tensorflow to be read, so they are not read here; converters write one
folder per segment, which SharpDepth's loader expects too.
"""

from functools import lru_cache, partial
from pathlib import Path
import re

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.values import camera, numbers, read_text
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select

READER = 'waymo'
NUMBER = re.compile(r'_(\d)\.(?:png|jpg)$')
"""Of the camera, at the end of an image's name."""


class Waymo(FileSet):
    """Images alone; the lens distortion is left in."""

    def camera(self, item: Item, width: int, height: int) -> Intrinsics | None:
        """Return the camera of the segment, None where the converter wrote none."""
        match = NUMBER.search(item[0])
        segment = self.root / item[0].partition('/images/')[0]
        if match is None or not _has_cameras(segment):
            return None
        return camera(_pinhole(segment / 'intrinsics' / f'{match[1]}.txt'), width, height)


def open_set(path: Path, split: str) -> Waymo:
    """
    Open the images; ``path`` holds the segments.

    :param split: a list, by default everything
    """
    items, _ = select(READER, path, split, {'': partial(_all, path)}, lambda name: (name,))
    return Waymo(path, items)


def _all(path: Path) -> list[Item]:
    holds = (
        'images such as SEGMENT/images/000000_0.png with SEGMENT/intrinsics/0.txt; TFRecord files '
        'must be extracted first'
    )
    return [(name,) for name in images_of(READER, path, '*/images/*_[0-9].[jp][pn]g', holds)]


@lru_cache(maxsize=4096)
def _has_cameras(segment: Path) -> bool:
    return (segment / 'intrinsics').is_dir()


@lru_cache(maxsize=4096)
def _pinhole(path: Path) -> tuple[float, ...]:
    """Return the first four numbers: fx, fy, cx, cy; distortion follows."""
    values = numbers('intrinsics', read_text(path).split())
    if len(values) < 4:
        raise InputError(f'{path} must hold fx, fy, cx, cy; extract it again')
    return tuple(values[:4])
