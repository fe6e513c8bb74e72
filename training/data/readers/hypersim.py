# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Hypersim, raw or as Marigold's preprocessing writes it (methods B.5)."""

from collections.abc import Callable
import csv
from functools import partial
import io
from pathlib import Path
import re

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.read import read_depth
from depth_refiner_ros.sources.values import read_text
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, Rules, select, wrong_layout
from training.data.readers.maps import depth_of_ray, hdf5_library, known, read_hdf5
from training.data.readers.shape import Changed, to_640x480
from training.data.sample import SampleSet

READER = 'hypersim'
SPLITS = ('train', 'val', 'test')
SPLIT_FILE = 'metadata_images_split_scene_v1.csv'
MILLIMETRES = 1000.0
FAR_M = 65.0
"""Marigold's limit; its files end at 65.535 m."""
FOCAL, WIDTH, HEIGHT = 886.81, 1024, 768
RAW_IMAGES = 'ai_*/images/scene_cam_*_final_preview/frame.*.tonemap.jpg'
RAW_IMAGE = re.compile(r'(ai_[^/]+)/images/scene_(cam_[^/]+)_final_preview/frame\.(\d+)\.')


class Hypersim(FileSet):
    """Images of 1024x768 with depth along Z below 65 m."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth of millimetres in a PNG, or of distances along the rays in HDF5."""
        path = self.root / item[1]
        if path.suffix == '.png':
            return known(read_depth(path, depth_scale=MILLIMETRES), FAR_M)
        return known(
            depth_of_ray(read_hdf5(path, 'dataset'), self.camera(item, width, height)), FAR_M
        )

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera of most scenes; a few have a tilted sensor, which is not modelled."""
        center = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
        whole = Intrinsics(
            fx=FOCAL, fy=FOCAL, cx=center[0], cy=center[1], width=WIDTH, height=HEIGHT
        )
        return whole.resized(width, height)


def full_size(path: Path, split: str) -> Hypersim:
    """
    Open the images at their own size.

    :param split: ``train``, ``val``, ``test`` or a list; by default ``train`` where the folder
        has such parts, else everything
    """
    if list(path.glob('ai_*/images')):
        hdf5_library(path)
        rules = {name: partial(_raw_split, path, name) for name in SPLITS}
        return _opened(path, split, {'': partial(_raw, path), **rules}, _raw_item)
    parts = [name for name in SPLITS if (path / name).is_dir()]
    rules = {name: partial(_processed, path, f'{name}/') for name in parts}
    default = 'train/' if 'train' in parts else ''
    rules = {'': partial(_processed, path, default), **rules}
    return _opened(path, split, rules, _processed_item)


def at_640x480(path: Path, split: str) -> SampleSet:
    """Open the images resized by the nearest pixel, as B.5 trains; see :func:`full_size`."""
    return Changed(full_size(path, split), to_640x480)


def _opened(path: Path, split: str, rules: Rules, item_of: Callable[[str], Item]) -> Hypersim:
    items, left_out = select(READER, path, split, rules, item_of)
    return Hypersim(path, items, left_out=left_out)


def _processed(path: Path, part: str) -> list[Item]:
    holds = 'beside depth_plane_cam_00_fr0000.png and so on; the raw set has images/ there instead'
    return [
        _processed_item(image) for image in images_of(READER, path, f'{part}ai_*/rgb_*.png', holds)
    ]


def _processed_item(image: str) -> Item:
    folder, _, name = image.rpartition('/')
    return image, f'{folder}/{name.replace("rgb_", "depth_plane_", 1)}'


def _raw(path: Path) -> list[Item]:
    return [
        _raw_item(image)
        for image in images_of(READER, path, RAW_IMAGES, 'the tone-mapped previews of the raw set')
    ]


def _raw_item(image: str) -> Item:
    geometry = image.replace('_final_preview/', '_geometry_hdf5/')
    return image, geometry.replace('.tonemap.jpg', '.depth_meters.hdf5')


def _raw_split(path: Path, name: str) -> list[Item]:
    """Return the images of a part by the official table, which must lie in the folder."""
    table = path / SPLIT_FILE
    if not table.is_file():
        raise wrong_layout(
            READER, table, 'the table of splits in the repository apple/ml-hypersim'
        )
    try:
        wanted = {
            (row['scene_name'], row['camera_name'], int(row['frame_id']))
            for row in csv.DictReader(io.StringIO(read_text(table)))
            if row['split_partition_name'] == name
            and row['included_in_public_release'].lower() == 'true'
        }
    except (KeyError, ValueError, csv.Error) as error:
        raise SourceError(f'{table} is not the official table ({error}); copy it again') from error
    found = [(RAW_IMAGE.match(item[0]), item) for item in _raw(path)]
    return [
        item for match, item in found if match and (match[1], match[2], int(match[3])) in wanted
    ]
