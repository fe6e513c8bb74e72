# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Virtual KITTI 2 by Marigold's recipe (methods B.5): four scenes, six variants, two cameras."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.read import read_depth
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import folder_of, in_order, select, wrong_layout
from training.data.readers.maps import known
from training.data.readers.shape import benchmark_crop, Changed
from training.data.sample import SampleSet

READER = 'vkitti2'
SCENES = {'train': ('Scene02', 'Scene06', 'Scene18', 'Scene20'), 'val': ('Scene01',)}
VARIANTS = ('15-deg-left', '15-deg-right', 'clone', 'morning', 'overcast', 'sunset')
"""Neither fog nor rain nor 30 degrees, whatever the paper says (methods B.5)."""
CAMERAS = ('Camera_0', 'Camera_1')
PARTS = (('vkitti_2.0.3_rgb/', 'vkitti_2.0.3_depth/'), ('rgb/', 'depth/'), ('', ''))
"""Where scenes lie with color and with depth: official archives, Marigold's, both in one."""
CENTIMETRES = 100.0
FAR_M = 80.0
"""Sky is 655.35 m; this limit masks it, as the recipe does."""
FOCAL, CX, CY, WIDTH, HEIGHT = 725.0087, 620.5, 187.0, 1242, 375


class VirtualKitti(FileSet):
    """Images of 1242x375, with depth below 80 m."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth; the files hold centimetres."""
        return known(read_depth(self.root / item[1], depth_scale=CENTIMETRES), FAR_M)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera that all scenes share."""
        whole = Intrinsics(fx=FOCAL, fy=FOCAL, cx=CX, cy=CY, width=WIDTH, height=HEIGHT)
        return whole.resized(width, height)


def whole(path: Path, split: str) -> VirtualKitti:
    """
    Open the whole images.

    :param split: ``train`` (the default), ``val`` or a list
    """
    parts = next((pair for pair in PARTS if list(path.glob(f'{pair[0]}Scene*'))), None)
    if parts is None:
        raise wrong_layout(
            READER, path / PARTS[0][0], 'which should hold Scene01 to Scene20 of Virtual KITTI 2'
        )
    item_of = partial(_item, *parts)
    rules = {name: partial(_scenes, path, parts, SCENES[name]) for name in SCENES}
    items, left_out = select(READER, path, split, {'': rules['train'], **rules}, item_of)
    return VirtualKitti(path, items, left_out=left_out)


def cropped(path: Path, split: str) -> SampleSet:
    """Open the images with the crop of KITTI's benchmark; see :func:`whole`."""
    return Changed(whole(path, split), benchmark_crop)


def _scenes(path: Path, parts: tuple[str, str], scenes: tuple[str, ...]) -> list[Item]:
    return [
        _item(*parts, f'{folder}/{name}')
        for scene in scenes
        for variant in VARIANTS
        for camera in CAMERAS
        for folder in [f'{parts[0]}{scene}/{variant}/frames/rgb/{camera}']
        for name in in_order(
            folder_of(READER, [path / folder], 'which should hold rgb_00000.jpg and so on'),
            'rgb_*.jpg',
        )
    ]


def _item(rgb_part: str, depth_part: str, image: str) -> Item:
    inside = image.removeprefix(rgb_part)
    folder, _, name = inside.replace('/frames/rgb/', '/frames/depth/').rpartition('/')
    return image, f'{depth_part}{folder}/{name.replace("rgb_", "depth_").replace(".jpg", ".png")}'
