# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Taskonomy: rendered views of scanned buildings, 512x512."""

from functools import partial
import math
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.values import number, read_json
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import in_order, select, wrong_layout

READER = 'taskonomy'
VIEW = 'point_*_view_*_domain_rgb.png'
LAYOUTS = (f'rgb/taskonomy/*/{VIEW}', f'rgb/*/{VIEW}', f'*_rgb/rgb/{VIEW}', f'*/rgb/{VIEW}')
"""Of omnidata's downloader, with and without its component, and of the original archives."""


class Taskonomy(FileSet):
    """Images alone."""

    def camera(self, item: Item, width: int, height: int) -> Intrinsics | None:
        """Return the camera of ``point_info``, None where that was not downloaded."""
        path = self.root / item[1]
        if not path.is_file():
            return None
        found = read_json(path)
        if not isinstance(found, dict):
            raise InputError(f'{path} must hold field_of_view_rads; copy it again')
        angle = number('field_of_view_rads', found.get('field_of_view_rads'), 0.01, 3.1)
        return Intrinsics.from_fov(width, height, math.degrees(angle))


def open_set(path: Path, split: str) -> Taskonomy:
    """
    Open the images.

    :param split: a list, by default everything
    """
    items, _ = select(READER, path, split, {'': partial(_all, path)}, _item)
    return Taskonomy(path, items)


def _all(path: Path) -> list[Item]:
    for layout in LAYOUTS:
        if images := in_order(path, layout):
            return [_item(image) for image in images]
    raise wrong_layout(READER, path / LAYOUTS[0], 'such as point_0_view_0_domain_rgb.png')


def _item(image: str) -> Item:
    info = image.replace('_rgb/rgb/', '_point_info/point_info/', 1)
    if info == image:
        info = (
            f'point_info{image[3:]}'
            if image.startswith('rgb/')
            else image.replace('/rgb/', '/point_info/')
        )
    return image, info.replace('_domain_rgb.png', '_domain_point_info.json')
