# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MPI Sintel's training frames, final pass, with depth and camera of the rendering."""

from functools import lru_cache, partial
from pathlib import Path
import struct

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_DEPTH
from depth_refiner_ros.sources.read import read_image_bytes
from depth_refiner_ros.sources.values import camera
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select
from training.data.readers.maps import known, read_rows

READER = 'sintel'
TAG = struct.pack('<f', 202021.25)
"""Begins every .dpt and .cam file."""
PASSES = ('final', 'clean')


class Sintel(FileSet):
    """Frames of 1024x436 with dense depth; the sky is as far as the rendering has it."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth in the film's metres."""
        path = self.root / item[1]
        head = read_image_bytes(path, UNREADABLE_DEPTH)[:12]
        if head[:4] != TAG or head[4:] != struct.pack('<ii', width, height):
            raise FrameError(
                UNREADABLE_DEPTH, f'{path} is not depth of {width}x{height}; copy it again'
            )
        return known(read_rows(path, width, height, offset=12))

    def camera(self, item: Item, width: int, height: int) -> Intrinsics | None:
        """Return the camera of the frame, None where the camera files are not there."""
        path = self.root / item[2]
        if not _is_there(path.parents[1]):
            return None
        try:
            data = path.read_bytes()
            matrix = np.frombuffer(data, '<f8', 9, offset=4).reshape(3, 3)
        except (OSError, ValueError) as error:
            raise InputError(f'{path} cannot be read ({error}); copy it again') from error
        if data[:4] != TAG:
            raise InputError(f'{path} is not a camera of Sintel; copy it again')
        return camera((matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]), width, height)


def open_set(path: Path, split: str) -> Sintel:
    """
    Open the frames; ``path`` may be the root, or ``training`` itself.

    :param split: ``final`` (1064, the default), ``clean`` or a list
    """
    root = path / 'training' if (path / 'training').is_dir() else path
    rules = {name: partial(_all, root, name) for name in PASSES}
    items, left_out = select(READER, root, split, {'': rules['final'], **rules}, _item)
    return Sintel(root, items, left_out=left_out)


def _all(root: Path, name: str) -> list[Item]:
    holds = 'beside training/depth/SCENE/frame_0001.dpt (and camdata_left/SCENE/frame_0001.cam)'
    return [_item(image) for image in images_of(READER, root, f'{name}/*/frame_*.png', holds)]


def _item(image: str) -> Item:
    frame = image.partition('/')[2].removesuffix('.png')
    return image, f'depth/{frame}.dpt', f'camdata_left/{frame}.cam'


@lru_cache(maxsize=16)
def _is_there(folder: Path) -> bool:
    return folder.is_dir()
