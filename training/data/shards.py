# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Sets packed into tar files, read by number.

Each shard is an ordinary tar file, which webdataset reads too, with an index of offsets beside it.
webdataset itself is not used: it streams shards in order, while a batch here is a function of
(seed, step, process) and needs any image at any time, which one seek in an open file gives.
"""

from collections.abc import Iterable
import io
import json
from pathlib import Path
import tarfile
from typing import Any
import zlib

from depth_refiner_ros.core.atomic import staged_file, write_text
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.sources.lost_frames import FrameError, UNREADABLE_IMAGE
from depth_refiner_ros.sources.values import read_json
import numpy as np
from training.data.sample import Sample
from training.data.sample_files import decoded, encoded

RECORD = 'shards.json'
Places = dict[str, list[int]]
"""Suffix, and offset, size and CRC-32 in the tar file."""


class Shards:
    """
    All finished shards of a folder as one set.

    An image of which a tar file has lost its part, because it was cut short, is lost alone.

    :param folder: output of ``training.tools.make_shards``
    :raises SourceError: where there is no shard, or an index cannot be read
    """

    def __init__(self, folder: Path) -> None:
        indices = sorted(folder.glob('shard_*.json'))
        if not indices:
            raise SourceError(
                f'{folder} holds no shard_00000.json; run python -m training.tools.make_shards '
                f'SET {folder}'
            )
        self._tars = [path.with_suffix('.tar') for path in indices]
        self._places = [_index(path) for path in indices]
        self._starts = np.cumsum([0, *(len(places) for places in self._places)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image.

        :raises FrameError: if its part of the shard is lost or damaged
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = int(np.searchsorted(self._starts, index, side='right')) - 1
        row = index - int(self._starts[number])
        path = self._tars[number]
        where = f'image {row} of {path}'
        try:
            with path.open('rb') as file:
                parts = {
                    suffix: _read(file, where, *place)
                    for suffix, place in self._places[number][row].items()
                }
        except OSError as error:
            raise FrameError(UNREADABLE_IMAGE, f'cannot read {path}: {error.strerror}') from error
        return decoded(parts, where)


def write_shard(folder: Path, shard: int, samples: Iterable[Sample]) -> int:
    """
    Write a shard and its index, which comes last and marks the shard as complete.

    :return: number of images
    :raises OutputError: if it cannot be written
    """
    tar = folder / f'shard_{shard:05d}.tar'
    sums: list[dict[str, int]] = []
    with staged_file(tar) as part, tarfile.open(part, 'w') as file:
        for number, sample in enumerate(samples):
            sums.append({})
            for suffix, data in encoded(sample).items():
                sums[-1][suffix] = zlib.crc32(data)
                info = tarfile.TarInfo(f'{number:08d}.{suffix}')
                info.size = len(data)
                file.addfile(info, io.BytesIO(data))
    places: list[Places] = [{} for _ in sums]
    with tarfile.open(tar) as file:
        for info in file:
            row_word, _, suffix = info.name.partition('.')
            row = int(row_word)
            places[row][suffix] = [info.offset_data, info.size, sums[row][suffix]]
    write_text(tar.with_suffix('.json'), json.dumps(places) + '\n')
    return len(sums)


def _read(file: Any, where: str, offset: int, size: int, crc: int) -> bytes:
    file.seek(offset)
    data: bytes = file.read(size)
    if len(data) != size:
        raise FrameError(
            UNREADABLE_IMAGE, f'{where} is in the part that was cut off; copy it again'
        )
    if zlib.crc32(data) != crc:
        raise FrameError(UNREADABLE_IMAGE, f'{where} is damaged; copy the file again')
    return data


def _index(path: Path) -> list[Places]:
    found = read_json(path)
    rows = found if isinstance(found, list) else [found]
    for row in rows:  # none where no image of the shard could be read
        whole = isinstance(row, dict) and all(_is_place(place) for place in row.values())
        if not whole or not isinstance(found, list):
            raise SourceError(f'{path} is not the index of a shard ({shown(row)}); copy it again')
    return rows


def _is_place(found: Any) -> bool:
    return (
        isinstance(found, list)
        and len(found) == 3
        and all(type(number) is int and number >= 0 for number in found)
    )
