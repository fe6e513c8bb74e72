# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""iBims-1: laser depth of indoor scenes, with annotated depth edges."""

from functools import partial
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_DEPTH
from depth_refiner_ros.sources.values import camera
import numpy as np
from training.data.readers.layout import in_order, select, wrong_layout
from training.data.readers.maps import known
from training.data.readers.matlab import ERRORS, read_mat
from training.data.sample import Sample

READER = 'ibims'
BROKEN = (*ERRORS, InputError)


class Ibims:
    """
    Images of 640x480, one Matlab file each.

    Depth is unknown where the authors' masks of invalid and of transparent pixels are 0.

    :param files: of the images
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = files

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image with its annotated edges.

        :raises FrameError: if it cannot be read
        """
        path = self._files[index]
        data = _read(path)
        try:
            valid = (data['mask_invalid'] > 0) & (data['mask_transp'] > 0)
            depth_m_HW = known(np.where(valid, data['depth'], np.nan))
            return Sample(
                rgb_HW3=np.ascontiguousarray(data['rgb'], np.uint8),
                depth_m_HW=depth_m_HW,
                intrinsics=_camera(data['calib'], *depth_m_HW.shape),
                edges_HW=data['edges'] > 0,
                name=path.stem,
            )
        except BROKEN as error:
            raise FrameError(
                UNREADABLE_DEPTH, f'{path} is not a file of iBims-1 ({error}); copy it again'
            ) from error


def open_set(path: Path, split: str) -> Ibims:
    """
    Open the images; ``path`` may be the root, or ``ibims1_core_mat`` itself.

    :param split: a list of names without suffix, by default everything (100)
    """
    root = path / 'ibims1_core_mat' if (path / 'ibims1_core_mat').is_dir() else path
    rules = {'': partial(_all, root)}
    items, _ = select(READER, root, split, rules, lambda name: (f'{Path(name).stem}.mat',))
    return Ibims([root / item[0] for item in items])


def _all(root: Path) -> list[tuple[str, ...]]:
    found = in_order(root, '*.mat')
    if not found:
        raise wrong_layout(READER, root / 'ibims1_core_mat', 'which should hold corridor_01.mat')
    return [(name,) for name in found]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = read_mat(path)['data'][0, 0]
        return {name: data[name] for name in data.dtype.names}
    except BROKEN as error:
        raise FrameError(
            UNREADABLE_DEPTH, f'{path} cannot be read ({error}); copy it again'
        ) from error


def _camera(calib: np.ndarray, height: int, width: int) -> Intrinsics:
    """Return the camera of a matrix K, either way up, or of its four values."""
    values = np.asarray(calib, np.float64)
    if values.shape == (3, 3):
        matrix = values if values[2, 0] == 0.0 else values.T  # Matlab's own has K transposed
        values = np.array([matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]])
    return camera(values.ravel()[:4].tolist(), width, height)
