# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""UnrealStereo4K: rendered pairs of 3840x2160, depth from disparity (methods A.10)."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import in_order, select, wrong_layout
from training.data.readers.maps import depth_of_disparity, read_npy

READER = 'unrealstereo4k'
FOCAL, WIDTH, HEIGHT = 1920.0, 3840, 2160
FOCAL_TIMES_BASELINE = 960.0
"""1920 px times 0.5 m, as SharpDepth's loader has it (methods A.10)."""


class UnrealStereo(FileSet):
    """Left images with dense depth; its far end is not cut off here."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return 960 over the disparity in pixels."""
        return depth_of_disparity(read_npy(self.root / item[1]), FOCAL_TIMES_BASELINE)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the centred camera of all images."""
        center = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
        whole = Intrinsics(
            fx=FOCAL, fy=FOCAL, cx=center[0], cy=center[1], width=WIDTH, height=HEIGHT
        )
        return whole.resized(width, height)


def open_set(path: Path, split: str) -> UnrealStereo:
    """
    Open the images; ``path`` may hold parts such as ``00008`` (SharpDepth's 200), or be one.

    :param split: a list, by default everything
    """
    items, left_out = select(READER, path, split, {'': partial(_all, path)}, _item)
    return UnrealStereo(path, items, left_out=left_out)


def _all(path: Path) -> list[Item]:
    images = in_order(path, 'Image0/*.png') or in_order(path, '*/Image0/*.png')
    if not images:
        raise wrong_layout(READER, path / 'Image0', 'which should hold 00000.png, beside Disp0')
    return [_item(image) for image in images]


def _item(image: str) -> Item:
    part, _, name = image.rpartition('Image0/')
    return image, f'{part}Disp0/{name.removesuffix(".png")}.npy'
