# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read the shards that ``training.tools.render_rooms`` writes, memory-mapped."""

from collections.abc import Sequence
from math import inf
from pathlib import Path
import re

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
import numpy as np
from training.data.sample import Sample, SampleSet, Window

NEARER = re.compile(r'nearer-(\d+(?:\.\d+)?)m')
"""The rule of a split: the views whose median depth is below so many metres."""
PARTS = ('rgb', 'depth', 'camera', 'seed')
_STEP = 8


def shard_names(folder: Path) -> list[str]:
    """Return the numbers of the finished shards of a folder, in order."""
    return sorted(path.stem.split('_', 1)[1] for path in folder.glob('seed_*.npy'))


class RenderedRooms:
    """
    All finished shards of some folders as one indexed set, memory-mapped.

    :param folders: outputs of ``training.tools.render_rooms``
    :param priors: whether predictions beside them are read
    :raises SourceError: if a folder has none, or a shard's parts do not match
    """

    def __init__(self, *folders: Path, priors: bool = True) -> None:
        parts = PARTS + ('prior',) * priors
        self._shards = [shard for folder in folders for shard in _shards_of(folder, parts)]
        self._starts = np.cumsum([0, *(len(shard['seed']) for shard in self._shards)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Sample:
        number = int(np.searchsorted(self._starts, index, side='right')) - 1
        shard, row = self._shards[number], index - int(self._starts[number])
        rgb, (fx, fy, cx, cy) = shard['rgb'][row], map(float, shard['camera'][row])
        height, width = rgb.shape[:2]
        prior = shard.get('prior')
        return Sample(
            rgb_HW3=rgb,
            depth_m_HW=shard['depth'][row],
            name=f'room {int(shard["seed"][row])}/{index}',
            prior_m_hw=None if prior is None else prior[row].astype(np.float32),
            intrinsics=Intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height),
        )

    def median_depth_m(self) -> np.ndarray:
        """Return the median depth of each view, of every eighth pixel; infinite without any."""
        return np.array([_median(depth) for shard in self._shards for depth in shard['depth']])


def open_set(path: Path, split: str) -> SampleSet:
    """
    Open rendered views, all of them or with ``split`` ``nearer-1.3m`` the near ones.

    :raises SourceError: for another split, and where no view is that near
    """
    rooms = RenderedRooms(path)
    if not split:
        return rooms
    rule = NEARER.fullmatch(split)
    if rule is None:
        raise SourceError(
            f'reader rooms has no split {shown(split)}; leave split out, or name a bound on the '
            'median depth of views, such as nearer-1.3m'
        )
    near = np.flatnonzero(rooms.median_depth_m() < float(rule[1]))
    if not len(near):
        raise SourceError(f'{path} has no view with a median depth below {rule[1]} m')
    return Window(rooms, near.tolist())


def _median(depth_m_HW: np.ndarray) -> float:
    seen = depth_m_HW[::_STEP, ::_STEP].astype(np.float32)
    seen = seen[np.isfinite(seen) & (seen > 0)]
    return float(np.median(seen)) if seen.size else inf


def _shards_of(folder: Path, parts: Sequence[str]) -> list[dict[str, np.ndarray]]:
    names = shard_names(folder)
    if not names:
        raise SourceError(
            f'{folder} holds no rendered rooms; run python -m training.tools.render_rooms {folder}'
        )
    return [_opened(folder, name, parts) for name in names]


def _opened(folder: Path, name: str, parts: Sequence[str]) -> dict[str, np.ndarray]:
    shard = {}
    for part in parts:
        path = folder / f'{part}_{name}.npy'
        if part == 'prior' and not path.exists():
            continue
        try:
            shard[part] = np.load(path, mmap_mode='r', allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SourceError(f'{path}: {error}; render this shard again') from error
    lengths = {part: len(array) for part, array in shard.items()}
    if len(set(lengths.values())) != 1:
        raise SourceError(
            f'{folder}: shard {name} has parts of lengths {lengths}; render it again'
        )
    return shard
