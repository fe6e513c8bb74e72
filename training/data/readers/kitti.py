# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""KITTI's raw images with the annotated depth of its benchmark (methods A.12, B.6)."""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
import re

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.read import read_depth
from depth_refiner_ros.sources.values import camera, numbers, read_text
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select
from training.data.readers.shape import benchmark_crop, Changed
from training.data.sample import SampleSet

READER = 'kitti'
UNITS_PER_M = 256.0
DEPTH_PARTS = ('', 'train/', 'val/', 'data_depth_annotated/train/', 'data_depth_annotated/val/')
"""Where the drives' depth lies: beside the dates (Marigold's archive), or as it is downloaded."""
IMAGE = re.compile(r'(?:.*/)?(\d{4}_\d\d_\d\d)/([^/]+)/image_02/data/(\d+)\.(?:png|jpg)')
CAMERAS = {
    '2011_09_26': (721.5377, 721.5377, 609.5593, 172.854),
    '2011_09_28': (707.0493, 707.0493, 604.0814, 180.5066),
    '2011_09_29': (718.3351, 718.3351, 600.3891, 181.5122),
    '2011_09_30': (707.0912, 707.0912, 601.8873, 183.1104),
    '2011_10_03': (718.856, 718.856, 607.1928, 185.2157),
}
"""fx, fy, cx, cy of the left color camera by date, where its calibration file is missing."""


class Kitti(FileSet):
    """Images of the left color camera, whole, each with sparse depth."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return the LiDAR's depth; the files hold 256ths of a metre."""
        return read_depth(self.root / item[1], depth_scale=UNITS_PER_M)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the rectified camera of that day."""
        return camera(_calibration(self.root, item[2]), width, height)


def whole(path: Path, split: str) -> Kitti:
    """
    Open the images that have true depth; ``left_out`` counts the others.

    Marigold's list of the Eigen test images names 697, of which 652 have depth.

    :param split: a list, by default everything
    """
    rules = {'': partial(_all, path)}
    listed, without = select(READER, path, split, rules, partial(_item, _places(path)))
    items = [item for item in listed if item[1]]
    return Kitti(path, items, left_out=without + len(listed) - len(items))


def benchmark(path: Path, split: str) -> SampleSet:
    """Open the images with the crop of the benchmark, 1216x352; see :func:`whole`."""
    return Changed(whole(path, split), benchmark_crop)


def _all(path: Path) -> list[Item]:
    images = images_of(
        READER,
        path,
        '2011_*/*/image_02/data/*',
        'the left color images, such as 2011_09_26/2011_09_26_drive_0002_sync/image_02/data/'
        '0000000069.png',
    )
    return [_item(_places(path), image) for image in images]


def _places(root: Path) -> Sequence[Path]:
    return [root / part for part in DEPTH_PARTS if (root / part).is_dir()]


def _item(places: Sequence[Path], image: str) -> Item:
    """Return the image, its depth ('' where there is none) and its date."""
    match = IMAGE.fullmatch(image)
    if match is None:
        raise SourceError(
            f'{image} is not an image of KITTI; name DATE/DRIVE/image_02/data/NUMBER.png'
        )
    date, drive, number = match.groups()
    depth = f'{drive}/proj_depth/groundtruth/image_02/{number}.png'
    found = next((place / depth for place in places if (place / depth).is_file()), None)
    return image, '' if found is None else str(found.relative_to(places[0])), date


@lru_cache(maxsize=16)
def _calibration(root: Path, date: str) -> Sequence[float]:
    path = root / date / 'calib_cam_to_cam.txt'
    if not path.is_file():
        if date not in CAMERAS:
            raise SourceError(f'{path} is missing; copy the calibration of that day')
        return CAMERAS[date]
    for line in read_text(path).splitlines():
        name, _, words = line.partition(':')
        if name == 'P_rect_02':
            row = numbers(name, words.split(), 12)
            return row[0], row[5], row[2], row[6]
    raise SourceError(f'{path} has no P_rect_02; copy it again')
