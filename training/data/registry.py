# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which reader opens a set of training images."""

from collections.abc import Callable
from pathlib import Path

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from training.config import check_choice, SourceConfig
from training.data import rooms
from training.data.readers import (
    argoverse2,
    arkitscenes,
    booster,
    diode,
    eth3d,
    hypersim,
    ibims,
    images,
    kitti,
    nuscenes,
    nyuv2,
    pandaset,
    recording,
    scannet,
    sintel,
    spring,
    taskonomy,
    unrealstereo4k,
    vkitti2,
    waymo,
)
from training.data.rooms import shard_names
from training.data.sample import SampleSet
from training.data.shards import RECORD, Shards
from training.data.stored_priors import WithPrior


def _shards(path: Path, split: str) -> SampleSet:
    if split:
        raise SourceError(f'reader shards has no split {shown(split)}; leave split out')
    return Shards(path)


READERS: dict[str, Callable[[Path, str], SampleSet]] = {
    'rooms': rooms.open_set,
    'shards': _shards,
    'recording': recording.open_set,
    'images': images.open_set,
    'argoverse2': argoverse2.open_set,
    'waymo': waymo.open_set,
    'pandaset': pandaset.open_set,
    'arkitscenes': arkitscenes.open_set,
    'taskonomy': taskonomy.open_set,
    'hypersim': hypersim.full_size,
    'hypersim_640x480': hypersim.at_640x480,
    'vkitti2': vkitti2.cropped,
    'vkitti2_whole': vkitti2.whole,
    'kitti': kitti.whole,
    'kitti_benchmark': kitti.benchmark,
    'nyuv2': nyuv2.open_set,
    'eth3d': eth3d.open_set,
    'diode': diode.open_set,
    'scannet': scannet.open_set,
    'booster': booster.open_set,
    'nuscenes': nuscenes.open_set,
    'ibims': ibims.open_set,
    'sintel': sintel.open_set,
    'unrealstereo4k': unrealstereo4k.open_set,
    'spring': spring.open_set,
}
"""Name of a reader, and the function from path and split to the set; see docs/data.md."""


def open_samples(source: SourceConfig) -> SampleSet:
    """
    Open a set of images.

    :raises SettingsError: for an unknown reader
    :raises SourceError: where the folder is missing, empty or of another layout
    """
    path = Path(source.path).expanduser()
    if not path.exists():
        hint = ''
        if source.reader == 'rooms' or not (source.reader or path.suffix):
            hint = f'; rendered rooms come from python -m training.tools.render_rooms {path}'
        raise SourceError(f'{path} does not exist; docs/data.md says what lies where{hint}')
    reader = reader_of(source)
    check_choice('reader', reader, list(READERS))
    samples = READERS[reader](path, source.split)
    if not len(samples):
        raise SourceError(f'{path} holds no image that reader {reader} can use')
    return WithPrior(samples, Path(source.prior), reader) if source.prior else samples


def reader_of(source: SourceConfig) -> str:
    """
    Return the reader that opens a set: the given one, or the one that fits.

    :raises SourceError: if none fits
    """
    path = Path(source.path).expanduser()
    if source.reader:
        return source.reader
    if path.is_dir() and shard_names(path):
        return 'rooms'
    if path.is_dir() and (path / RECORD).is_file():
        return 'shards'
    if path.exists():
        return 'recording'
    raise SourceError(f'{path}: no reader fits; name one of {", ".join(READERS)} in reader')
