# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Spring's training frames: depth from disparity at twice the image's size (methods A.10)."""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
import re

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.sources.lost_frames import FrameError, NO_CAMERA
from depth_refiner_ros.sources.values import camera, read_text
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select
from training.data.readers.maps import depth_of_disparity, hdf5_library, read_hdf5

READER = 'spring'
BASELINE_M = 0.065
NUMBER = re.compile(r'_(\d+)\.png$')


class Spring(FileSet):
    """Left frames of 1920x1080; their cameras are in ``cam_data/intrinsics.txt``."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return focal length times 0.065 m over every second value of the disparity."""
        try:
            focal = self.pinhole(item)[0]
        except InputError as error:
            raise FrameError(NO_CAMERA, str(error)) from error
        disparity = read_hdf5(self.root / item[1], 'disparity')[::2, ::2]
        return depth_of_disparity(disparity, focal * BASELINE_M)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the frame's camera; its file counts from the corner of the first pixel."""
        fx, fy, cx, cy = self.pinhole(item)
        return camera((fx, fy, cx - 0.5, cy - 0.5), width, height)

    def pinhole(self, item: Item) -> Sequence[float]:
        """
        Return fx, fy, cx, cy as the file has them.

        :raises InputError: if it has no such line
        """
        rows = _rows(self.root / item[2])
        match = NUMBER.search(item[0])
        number = int(match[1]) if match else 0
        if not 1 <= number <= len(rows):
            raise InputError(f'{self.root / item[2]} has {len(rows)} lines, none for {item[0]}')
        return rows[number - 1]


def open_set(path: Path, split: str) -> Spring:
    """
    Open the frames; ``path`` may be the root, or ``train`` itself.

    :param split: a list (SharpDepth's names 1015), by default everything
    """
    root = next(
        (path / part for part in ('spring/train', 'train') if (path / part).is_dir()), path
    )
    hdf5_library(root)
    items, left_out = select(READER, root, split, {'': partial(_all, root)}, _item)
    return Spring(root, items, left_out=left_out)


def _all(root: Path) -> list[Item]:
    holds = 'beside disp1_left/disp1_left_0001.dsp5 and cam_data/intrinsics.txt of each scene'
    images = images_of(READER, root, '*/frame_left/frame_left_*.png', holds)
    return [_item(image) for image in images]


def _item(image: str) -> Item:
    scene, _, name = image.partition('/frame_left/')
    disparity = name.replace('frame_left_', 'disp1_left_').replace('.png', '.dsp5')
    return image, f'{scene}/disp1_left/{disparity}', f'{scene}/cam_data/intrinsics.txt'


@lru_cache(maxsize=256)
def _rows(path: Path) -> list[list[float]]:
    try:
        lines = [line.split() for line in read_text(path).splitlines() if line.strip()]
        rows = [[float(word) for word in line] for line in lines]
    except (ValueError, SourceError) as error:
        raise InputError(f'{path} cannot be read ({error}); copy it again') from error
    if any(len(row) != 4 for row in rows):
        raise InputError(f'{path} must hold fx, fy, cx and cy in each line')
    return rows
