# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""NYU Depth v2: the labelled images, extracted by Marigold or in the official .mat file."""

from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.sources.read import read_depth
import numpy as np
from training.data.readers.file_set import FileSet, Item
from training.data.readers.layout import images_of, select, wrong_layout
from training.data.readers.maps import hdf5_library, known, opened_hdf5
from training.data.readers.matlab import ERRORS, read_mat
from training.data.sample import Sample, SampleSet

READER = 'nyuv2'
SPLITS = {'test': 'testNdxs', 'train': 'trainNdxs'}
MILLIMETRES = 1000.0
WIDTH, HEIGHT = 640, 480
CAMERA = Intrinsics(
    fx=518.8579, fy=519.46961, cx=325.58245, cy=253.73617, width=WIDTH, height=HEIGHT
)
"""The color camera, from the authors' toolbox."""


class Nyu(FileSet):
    """Images of 640x480 with the Kinect's own depth, holes not filled."""

    def depth(self, item: Item, width: int, height: int) -> np.ndarray:
        """Return depth; the files hold millimetres."""
        return read_depth(self.root / item[1], depth_scale=MILLIMETRES)

    def camera(self, item: Item, width: int, height: int) -> Intrinsics:
        """Return the camera of all images."""
        return CAMERA.resized(width, height)


class NyuMat:
    """
    The same images in ``nyu_depth_v2_labeled.mat``.

    :param path: the file, with ``splits.mat`` beside it
    :param numbers: of the images, from 0
    """

    def __init__(self, path: Path, numbers: list[int]) -> None:
        self._path, self._numbers = path, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image.

        :raises FrameError: if it cannot be read
        """
        number = self._numbers[index]
        with opened_hdf5(self._path) as file:  # Matlab stores columns first
            rgb_HW3 = np.ascontiguousarray(file['images'][number].transpose(2, 1, 0))
            depth_m_HW = known(file['rawDepths'][number].T)
        return Sample(
            rgb_HW3=rgb_HW3, depth_m_HW=depth_m_HW, intrinsics=CAMERA, name=f'{number + 1:04d}'
        )


def open_set(path: Path, split: str) -> SampleSet:
    """
    Open the images.

    :param split: ``test`` (654 images, the default), ``train`` (795) or a list
    """
    if path.is_file():
        return _mat(path, split or 'test')
    rules = {name: partial(_all, path, name) for name in SPLITS}
    items, left_out = select(READER, path, split, {'': rules['test'], **rules}, _item)
    return Nyu(path, items, left_out=left_out)


def _all(path: Path, name: str) -> list[Item]:
    holds = 'beside depth_0001.png and so on'
    return [_item(image) for image in images_of(READER, path, f'{name}/*/rgb_*.png', holds)]


def _item(image: str) -> Item:
    folder, _, name = image.rpartition('/')
    return image, f'{folder}/{name.replace("rgb_", "depth_", 1)}'


def _mat(path: Path, split: str) -> NyuMat:
    hdf5_library(path)
    if split not in SPLITS:
        raise SourceError(
            f'split = {shown(split)} must be one of {", ".join(SPLITS)}{nearest(split, SPLITS)}'
        )
    table = path.parent / 'splits.mat'
    if not table.is_file():
        raise wrong_layout(READER, table, 'the official numbers of training and test images')
    try:
        numbers = read_mat(table)[SPLITS[split]].ravel().astype(int) - 1
    except ERRORS as error:
        raise SourceError(f'{table} cannot be read ({error}); copy it again') from error
    return NyuMat(path, numbers.tolist())
