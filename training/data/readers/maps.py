# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth from the units and files of public data sets; every error costs one image."""

from collections.abc import Iterator
from contextlib import contextmanager
import io
from pathlib import Path
import tokenize
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_DEPTH
from depth_refiner_ros.sources.read import read_image_bytes
import numpy as np


def known(depth_m_HW: np.ndarray, below_m: float = np.inf) -> np.ndarray:
    """Return depth as float32, NaN unless it is above 0 and below a limit."""
    with np.errstate(over='ignore', invalid='ignore'):
        depth_m_HW = np.array(depth_m_HW, np.float32)
    depth_m_HW[~((depth_m_HW > 0.0) & (depth_m_HW < below_m))] = np.nan
    return depth_m_HW


def depth_of_disparity(disparity_px_HW: np.ndarray, focal_times_baseline: float) -> np.ndarray:
    """
    Return depth of a rectified pair, NaN where the disparity is not above 0.

    :param focal_times_baseline: pixels of the disparity times metres
    """
    disparity = np.asarray(disparity_px_HW, np.float64)
    with np.errstate(divide='ignore', invalid='ignore'):
        return known(np.where(disparity > 0.0, focal_times_baseline / disparity, np.nan))


def depth_of_ray(distance_m_HW: np.ndarray, camera: Intrinsics) -> np.ndarray:
    """Return depth along Z from the distance to the camera's center."""
    x, y = camera.rays().numpy()
    return known(distance_m_HW / np.sqrt(x * x + y * y + 1.0))


def read_npy(path: Path) -> np.ndarray:
    """
    Read an array.

    :raises FrameError: if the file is missing, cut short or of another kind
    """
    data = read_image_bytes(path, UNREADABLE_DEPTH)
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (OSError, ValueError, EOFError, OverflowError, tokenize.TokenError) as error:
        raise FrameError(
            UNREADABLE_DEPTH, f'{path} is not a whole .npy file ({error}); copy it again'
        ) from error


def read_rows(path: Path, width: int, height: int, offset: int = 0) -> np.ndarray:
    """
    Read the little-endian float32 rows of a file.

    :param offset: bytes before the first value
    :raises FrameError: if it is missing or does not hold exactly this size
    """
    data = read_image_bytes(path, UNREADABLE_DEPTH)[offset:]
    if len(data) != 4 * width * height:
        raise FrameError(
            UNREADABLE_DEPTH,
            f'{path} holds {len(data)} bytes of depth, {width}x{height} need '
            f'{4 * width * height}; copy it again',
        )
    return np.frombuffer(data, '<f4').reshape(height, width)


def hdf5_library(path: Path) -> Any:
    """
    Return h5py, which only some sets need.

    :param path: names the set in the message
    :raises SourceError: if it is not installed
    """
    try:
        import h5py
    except ImportError as error:
        raise SourceError(f'{path} holds HDF5 files; pip install h5py to read this set') from error
    return h5py


@contextmanager
def opened_hdf5(path: Path) -> Iterator[Any]:
    """
    Open an HDF5 file to read.

    :raises FrameError: if it cannot be read, also by what is done with it
    :raises SourceError: if h5py is not installed
    """
    library = hdf5_library(path)
    try:
        with library.File(path, 'r') as file:
            yield file
    except (OSError, KeyError, IndexError) as error:
        raise FrameError(
            UNREADABLE_DEPTH, f'{path} cannot be read ({error}); copy it again'
        ) from error


def read_hdf5(path: Path, key: str) -> np.ndarray:
    """Read one array of an HDF5 file; see :func:`opened_hdf5`."""
    with opened_hdf5(path) as file:
        return np.asarray(file[key][()])
