# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Booster: rectified stereo images of glass and mirrors, with disparity of painted surfaces."""

from functools import lru_cache, partial
from pathlib import Path

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.values import camera
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select
from training.data.readers.maps import depth_of_disparity, read_npy

READER = 'booster'
CAMERAS = {'': '*', 'left': '00', 'right': '02'}
PROJECTIONS = {'00': 'proj_matL', '02': 'proj_matR'}
MM_PER_M = 1000.0


class Booster(FileSet):
    """Images of the balanced pair, with the disparity of their own camera."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return focal length times baseline over disparity."""
        focal, *_, baseline_m = _calibration(self.root / item[2], item[3])
        return depth_of_disparity(read_npy(self.root / item[1]), focal * baseline_m)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the rectified camera."""
        return camera(_calibration(self.root / item[2], item[3])[:4], width, height)


def open_set(path: Path, split: str) -> Booster:
    """
    Open the images; ``path`` may be the root, or ``train/balanced`` itself.

    :param split: ``left`` (228), ``right``, a list, or by default both (456)
    """
    inside = path / 'train' / 'balanced'
    root = inside if inside.is_dir() else path
    rules = {name: partial(_all, root, number) for name, number in CAMERAS.items()}
    items, left_out = select(READER, root, split, rules, _item)
    return Booster(root, items, left_out=left_out)


def _all(root: Path, number: str) -> list[Item]:
    holds = 'beside disp_00.npy and calib_00-02.xml of each scene'
    images = images_of(READER, root, f'*/camera_{number}/*.png', holds)
    return [_item(image) for image in images if '/camera_00/' in image or '/camera_02/' in image]


def _item(image: str) -> Item:
    scene, _, rest = image.partition('/camera_')
    number = rest.partition('/')[0]
    return image, f'{scene}/disp_{number}.npy', f'{scene}/calib_00-02.xml', number


@lru_cache(maxsize=512)
def _calibration(path: Path, number: str) -> tuple[float, ...]:
    """Return fx, fy, cx, cy and the baseline in metres (the file's millimetres)."""
    name = PROJECTIONS.get(number)
    if name is None or not path.is_file():
        raise InputError(f'{path} is missing or has no camera {number}; copy it again')
    try:
        storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_READ)
        projection, baseline = storage.getNode(name).mat(), storage.getNode('baselineLR').real()
        storage.release()
        values = projection[0, 0], projection[1, 1], projection[0, 2], projection[1, 2]
    except (cv2.error, TypeError, IndexError, SystemError, SourceError) as error:
        raise InputError(f'{path} has no {name} and baselineLR ({error})') from error
    return *(float(value) for value in values), abs(float(baseline)) / MM_PER_M
