# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ARKitScenes: color images of tablets, of the largest size that was downloaded."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.values import camera, numbers, read_text
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import in_order, select, wrong_layout

READER = 'arkitscenes'
SPLITS = {'': '*', 'training': 'Training', 'validation': 'Validation'}
SIZES = ('wide', 'vga_wide', 'lowres_wide')
"""1920x1440, 640x480 and 256x192."""


class ArkitScenes(FileSet):
    """Images alone, in the orientation of the sensor."""

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera of the image: one line of width, height, fx, fy, cx, cy."""
        path = self.root / item[1]
        values = numbers('pincam', read_text(path).split(), 6)
        if values[:2] != [width, height]:
            raise InputError(f'{path} is of {values[0]:g}x{values[1]:g}; copy it again')
        return camera(values[2:], width, height)


def open_set(path: Path, split: str) -> ArkitScenes:
    """
    Open the images; ``path`` holds ``Training`` and ``Validation``.

    :param split: ``training``, ``validation``, a list, or by default both
    """
    rules = {name: partial(_all, path, part) for name, part in SPLITS.items()}
    items, _ = select(READER, path, split, rules, _item)
    return ArkitScenes(path, items)


def _all(path: Path, part: str) -> list[Item]:
    for size in SIZES:
        if images := in_order(path, f'{part}/*/{size}/*.png'):
            return [_item(image) for image in images]
    raise wrong_layout(
        READER,
        path / part / '*' / SIZES[0],
        f'or {SIZES[1]} or {SIZES[2]}, beside {SIZES[0]}_intrinsics of each video',
    )


def _item(image: str) -> Item:
    folder, _, name = image.rpartition('/')
    return image, f'{folder}_intrinsics/{name.removesuffix(".png")}.pincam'
