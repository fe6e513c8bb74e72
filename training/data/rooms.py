# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read the shards that ``training.tools.render_rooms`` writes, memory-mapped."""

from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
import numpy as np


@dataclass(frozen=True, kw_only=True)
class View:
    """
    One rendered view: uint8 color, metres, camera, and the room's seed.

    ``prior_m_hw`` is a prior's prediction at its own size, where one is stored.
    """

    rgb_HW3: np.ndarray
    depth_m_HW: np.ndarray
    intrinsics: Intrinsics
    room_seed: int
    prior_m_hw: np.ndarray | None = None


def shard_names(folder: Path) -> list[str]:
    """Return the numbers of the finished shards of a folder, in order."""
    return sorted(path.stem.split('_', 1)[1] for path in folder.glob('seed_*.npy'))


class RenderedRooms:
    """
    All finished shards of some folders as one indexed set, memory-mapped.

    :param folders: outputs of ``training.tools.render_rooms``
    :raises SourceError: if a folder has none, or a shard's parts do not match
    """

    def __init__(self, *folders: Path) -> None:
        self._shards = [shard for folder in folders for shard in _shards_of(folder)]
        self._starts = np.cumsum([0, *(len(shard['seed']) for shard in self._shards)])

    @classmethod
    def of(cls, folders: str) -> 'RenderedRooms':
        """Open the folders that a configuration names, separated by commas."""
        return cls(*(Path(folder.strip()) for folder in folders.split(',')))

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> View:
        number = int(np.searchsorted(self._starts, index, side='right')) - 1
        shard, row = self._shards[number], index - int(self._starts[number])
        rgb, (fx, fy, cx, cy) = shard['rgb'][row], map(float, shard['camera'][row])
        height, width = rgb.shape[:2]
        prior = shard.get('prior')
        return View(
            rgb_HW3=rgb,
            depth_m_HW=shard['depth'][row],
            room_seed=int(shard['seed'][row]),
            prior_m_hw=None if prior is None else prior[row].astype(np.float32),
            intrinsics=Intrinsics(fx=fx, fy=fy, cx=cx, cy=cy, width=width, height=height),
        )


def _shards_of(folder: Path) -> list[dict[str, np.ndarray]]:
    names = shard_names(folder)
    if not names:
        raise SourceError(
            f'{folder} holds no rendered rooms; run python -m training.tools.render_rooms {folder}'
        )
    return [_opened(folder, name) for name in names]


def _opened(folder: Path, name: str) -> dict[str, np.ndarray]:
    parts = {}
    for part in ('rgb', 'depth', 'camera', 'seed', 'prior'):
        path = folder / f'{part}_{name}.npy'
        if part == 'prior' and not path.exists():
            continue
        try:
            parts[part] = np.load(path, mmap_mode='r', allow_pickle=False)
        except (OSError, ValueError) as error:
            raise SourceError(f'{path}: {error}; render this shard again') from error
    lengths = {part: len(array) for part, array in parts.items()}
    if len(set(lengths.values())) != 1:
        raise SourceError(
            f'{folder}: shard {name} has parts of lengths {lengths}; render it again'
        )
    return parts
