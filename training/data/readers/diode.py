# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""DIODE's validation images; methods A.10 says why both halves must be told apart."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select
from training.data.readers.maps import known, read_npy

READER = 'diode'
PARTS = {'': '[io]*', 'all': '[io]*', 'indoor': 'indoors', 'outdoor': 'outdoor'}
WIDTH, HEIGHT = 1024, 768
CAMERA = Intrinsics(fx=886.81, fy=927.06, cx=512.0, cy=384.0, width=WIDTH, height=HEIGHT)
"""As in intrinsics.txt of the authors' devkit."""


class Diode(FileSet):
    """Images of 1024x768; depth only where the scanner's mask is set."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth in the file's metres."""
        depth = read_npy(self.root / item[1]).reshape(height, width)
        mask = read_npy(self.root / item[2]).reshape(height, width)
        return known(np.where(mask > 0, depth, np.nan))

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera of all images."""
        return CAMERA.resized(width, height)


def open_set(path: Path, split: str) -> Diode:
    """
    Open the images; ``path`` may be the folder that holds ``val``, or ``val`` itself.

    :param split: ``indoor`` (325), ``outdoor`` (446), ``all`` (771, the default) or a list
    """
    root = path / 'val' if (path / 'val').is_dir() else path
    rules = {name: partial(_all, root, part) for name, part in PARTS.items()}
    items, left_out = select(READER, root, split, rules, _item)
    return Diode(root, items, left_out=left_out)


def _all(root: Path, part: str) -> list[Item]:
    holds = 'beside NAME_depth.npy and NAME_depth_mask.npy'
    images = images_of(READER, root, f'{part}/scene_*/scan_*/*.png', holds)
    return [_item(image) for image in images]


def _item(image: str) -> Item:
    stem = image.removesuffix('.png')
    return image, f'{stem}_depth.npy', f'{stem}_depth_mask.npy'
