# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ScanNet v2 as its SensReader exports it: color, depth and cameras of each scan."""

from functools import lru_cache, partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.pixel_grid import resampled_nearest
from depth_refiner_ros.sources.read import read_depth
from depth_refiner_ros.sources.values import camera, read_text
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select

READER = 'scannet'
MILLIMETRES = 1000.0
COLOR_WIDTH, COLOR_HEIGHT = 1296, 968
"""Size that ``intrinsic_color.txt`` belongs to; images may have been exported smaller."""


class ScanNet(FileSet):
    """Color images, with the sensor's depth resampled to them where it was exported."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray | None:
        """Return depth; the files hold millimetres at 640x480."""
        if not item[1]:
            return None
        depth = read_depth(self.root / item[1], depth_scale=MILLIMETRES)
        return resampled_nearest(depth, height, width)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics | None:
        """Return the camera of the color images, None where it was not exported."""
        path = self.root / item[0].partition('/color/')[0] / 'intrinsic' / 'intrinsic_color.txt'
        whole = _camera(path)
        return whole and whole.resized(width, height)


def open_set(path: Path, split: str) -> ScanNet:
    """
    Open the images.

    :param split: a list (Marigold's names 800), by default everything
    """
    items, left_out = select(READER, path, split, {'': partial(_all, path)}, partial(_item, path))
    return ScanNet(path, items, left_out=left_out)


def _all(path: Path) -> list[Item]:
    holds = 'color/0.jpg, depth/0.png and intrinsic/ of each scan'
    return [_item(path, image) for image in images_of(READER, path, 'scene*/color/*.jpg', holds)]


def _item(root: Path, image: str) -> Item:
    scan, _, name = image.partition('/color/')
    return image, f'{scan}/depth/{name[:-4]}.png' if _has_depth(root / scan) else ''


@lru_cache(maxsize=4096)
def _has_depth(scan: Path) -> bool:
    return (scan / 'depth').is_dir()


@lru_cache(maxsize=4096)
def _camera(path: Path) -> Intrinsics | None:
    if not path.is_file():
        return None
    try:
        rows = [[float(word) for word in line.split()] for line in read_text(path).splitlines()]
        pinhole = rows[0][0], rows[1][1], rows[0][2], rows[1][2]
        return camera(pinhole, COLOR_WIDTH, COLOR_HEIGHT)
    except (ValueError, IndexError, SourceError) as error:
        raise InputError(f'{path} is not a matrix of 4x4 ({error}); export it again') from error
