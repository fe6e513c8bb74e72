# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""PandaSet: color images of a car's six cameras."""

from functools import lru_cache, partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.values import camera, read_json
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select

READER = 'pandaset'


class PandaSet(FileSet):
    """Images alone."""

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera that lies beside its images."""
        return camera(_pinhole((self.root / item[0]).with_name('intrinsics.json')), width, height)


def open_set(path: Path, split: str) -> PandaSet:
    """
    Open the images; ``path`` holds the sequences 001, 002 and so on.

    :param split: a list, by default everything
    """
    items, _ = select(READER, path, split, {'': partial(_all, path)}, lambda name: (name,))
    return PandaSet(path, items)


def _all(path: Path) -> list[Item]:
    holds = 'such as 001/camera/front_camera/00.jpg beside intrinsics.json'
    return [(name,) for name in images_of(READER, path, '*/camera/*/*.jpg', holds)]


@lru_cache(maxsize=1024)
def _pinhole(path: Path) -> tuple[float, ...]:
    found = read_json(path)
    try:
        return found['fx'], found['fy'], found['cx'], found['cy']
    except (KeyError, TypeError) as error:
        raise InputError(f'{path} must hold fx, fy, cx and cy; copy it again') from error
