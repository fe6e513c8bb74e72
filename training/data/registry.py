# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which reader opens a set of training images."""

from collections.abc import Callable
from pathlib import Path

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from training.config import check_choice, SourceConfig
from training.data.rooms import RenderedRooms, shard_names
from training.data.sample import SampleSet


def _rooms(path: Path, split: str) -> SampleSet:
    _no_split('rooms', split)
    return RenderedRooms(path)


READERS: dict[str, Callable[[Path, str], SampleSet]] = {'rooms': _rooms}
"""Name of a reader, and the function from path and split to the set."""


def open_samples(source: SourceConfig) -> SampleSet:
    """
    Open a set of images.

    :raises SettingsError: for an unknown reader
    :raises SourceError: where the folder is missing, empty or of another layout
    """
    path = Path(source.path).expanduser()
    reader = source.reader or _fitting(path)
    check_choice('reader', reader, list(READERS))
    if not path.exists():
        raise SourceError(f'{path} does not exist; see docs/training.md for where {reader} lies')
    samples = READERS[reader](path, source.split)
    if not len(samples):
        raise SourceError(f'{path} holds no image that reader {reader} can use')
    return samples


def _fitting(path: Path) -> str:
    if path.is_dir() and shard_names(path):
        return 'rooms'
    raise SourceError(f'{path}: no reader fits; name one of {", ".join(READERS)} in reader')


def _no_split(reader: str, split: str) -> None:
    if split:
        raise SourceError(f'reader {reader} has no split {shown(split)}; leave split out')
