# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ETH3D's high-resolution multi-view training scenes: laser depth of DSLR images."""

from functools import partial
from pathlib import Path

import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, in_order, select
from training.data.readers.maps import known, read_rows

READER = 'eth3d'
INSIDE = '/images/dslr_images/'


class Eth3d(FileSet):
    """Images as the camera took them: distorted, so without a pinhole camera."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth; the files are float32 rows without a head, infinite where unknown."""
        return known(read_rows(self.root / item[1], width, height), np.inf)


def open_set(path: Path, split: str) -> Eth3d:
    """
    Open the images.

    :param split: a list (Marigold's names 454), by default everything
    """
    rules = {'': partial(_all, path)}
    items, left_out = select(READER, path, split, rules, _item)
    return Eth3d(path, items, left_out=left_out)


def _all(path: Path) -> list[Item]:
    images = in_order(path, f'rgb/*{INSIDE}*.JPG') or images_of(
        READER,
        path,
        f'*{INSIDE}*.JPG',
        'with office/ground_truth_depth/dslr_images beside office/images/dslr_images',
    )
    return [_item(image) for image in images]


def _item(image: str) -> Item:
    scene, _, name = image.partition(INSIDE)
    if scene.startswith('rgb/'):  # Marigold's archive
        scene = scene.removeprefix('rgb/')
        scene = f'depth/{scene}_dslr_depth/{scene}'
    return image, f'{scene}/ground_truth_depth/dslr_images/{name}'
