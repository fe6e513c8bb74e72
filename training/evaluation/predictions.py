# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth maps of one row on disk: a file per image, each whole or not there."""

from collections.abc import Mapping
import io
import json
from pathlib import Path
from tokenize import TokenError
from typing import Any

from depth_refiner_ros.core.atomic import write_atomic, write_text
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import first_line, shown
from depth_refiner_ros.sources.lost_frames import FrameError, WRONG_SIZE
import numpy as np
from numpy.lib.format import open_memmap, read_array

FOLDER, RECORD = 'predictions', 'row.json'
MISSING = 'missing prediction'
UNREADABLE = 'unreadable prediction'
EMPTY = 'empty prediction'
NOT_ARRAYS = (
    ValueError,
    EOFError,
    OSError,
    TypeError,
    SyntaxError,
    TokenError,
    MemoryError,
    OverflowError,
)
"""What numpy raises for a file that is not an array, or only the beginning of one."""


class Predictions:
    """
    The maps of a row.

    :param output: folder of the evaluation
    :param row: its name
    """

    def __init__(self, output: Path, row: str) -> None:
        self.row, self.folder = row, output / FOLDER / row

    def path(self, index: int) -> Path:
        """Return the file of an image."""
        return self.folder / f'{index:06d}.npy'

    def has(self, index: int) -> bool:
        """Whether the map of an image is there and whole; the values are not looked at."""
        try:
            return open_memmap(self.path(index), mode='r').ndim == 2
        except NOT_ARRAYS:
            return False

    def write(self, index: int, map_HW: np.ndarray, dtype: str) -> None:
        """
        Write the map of an image.

        :raises OutputError: where the disk is full; an older file stays
        """
        stream = io.BytesIO()
        np.save(stream, map_HW.astype(dtype))
        write_atomic(self.path(index), [stream.getvalue()], durable=False)

    def read(self, index: int, size: tuple[int, int]) -> np.ndarray:
        """
        Read the map of an image, as float32.

        :param size: rows and columns that it must have
        :raises FrameError: where it is missing, broken, of another size or without any value
        """
        path = self.path(index)
        try:
            with path.open('rb') as stream:
                map_HW = read_array(stream, allow_pickle=False)
        except FileNotFoundError as error:
            raise FrameError(MISSING, f'{path} is missing; run infer again') from error
        except NOT_ARRAYS as error:
            raise FrameError(
                UNREADABLE, f'{path} is broken ({first_line(error)}); run infer again'
            ) from error
        if map_HW.dtype.kind != 'f' or map_HW.shape != size:
            raise FrameError(
                WRONG_SIZE,
                f'{path} holds {map_HW.dtype} of shape {map_HW.shape}, the truth has {size}; '
                'delete it and run infer again',
            )
        if not np.isfinite(map_HW).any():
            raise FrameError(EMPTY, f'{path} holds no depth at all, only NaN')
        return map_HW.astype(np.float32)

    def record(self) -> dict[str, Any]:
        """Return what the maps were made by, {} where there are none."""
        try:
            found = json.loads((self.folder / RECORD).read_text(encoding='utf-8'))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def claim(self, made_by: Mapping[str, Any]) -> None:
        """
        Write what makes the maps, or check it against what made those that are there.

        :raises SettingsError: where they were made otherwise
        """
        if not self.check(made_by):
            self._write(made_by)

    def check(self, made_by: Mapping[str, Any]) -> bool:
        """
        Compare what makes the maps with what made those that are there.

        :return: whether there are some; what an earlier version did not note is not compared
        :raises SettingsError: where they were made otherwise
        """
        before = self.record() if any(self.folder.glob('*.npy')) else {}
        for key, value in made_by.items():
            if key in before and before[key] != value:
                raise SettingsError(
                    f'row {self.row} in {self.folder} was made with {_difference(before, key)}, '
                    f'not {_difference(made_by, key, before.get(key))}; name another output, or '
                    'delete that folder'
                )
        return bool(before)

    def unfitted(self) -> list[int]:
        """Return the images whose refined depth could not be fitted, and is the prior."""
        found = self.record().get('unfitted', [])
        return found if isinstance(found, list) else []

    def add_unfitted(self, index: int) -> None:
        """Note an image whose refined depth could not be fitted, and is the prior."""
        self.note({'unfitted': sorted({*self.unfitted(), index})})

    def note(self, made_by: Mapping[str, Any]) -> None:
        """Add to the record of what made the maps."""
        self._write({**self.record(), **made_by})

    def _write(self, record: Mapping[str, Any]) -> None:
        write_text(self.folder / RECORD, json.dumps(record, indent=2, sort_keys=True) + '\n')


def _difference(record: Mapping[str, Any], key: str, other: Any = None) -> str:
    """Return ``key = value`` for a message; of nested values only what differs from the other."""
    value = record.get(key)
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        changed = {name: item for name, item in value.items() if other.get(name) != item}
        return f'{key} = {shown(changed)}'
    return f'{key} = {shown(value)}'
