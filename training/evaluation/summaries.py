# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The summaries that scores left, from any number of evaluations, found by protocol and row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import InputError
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.score import FOLDER

ROLES = ('prior', 'aligned', 'refined')
"""Rows of a set, always shown together and in this order."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """
    The summary of one row on one data set.

    :param file: where it was read
    :param aligned: whether predictions were fitted to the true depth
    """

    file: Path
    protocol: str
    row: str
    aligned: bool
    content: Mapping[str, Any]

    def value(self, figure: str) -> float | None:
        """Return the mean of a figure over images, None where no image has it."""
        return _number(self.content.get(figure))

    def spread(self, figure: str) -> float | None:
        """Return the standard deviation of a figure over images, None below two images."""
        return _number(self.content.get('std', {}).get(figure))

    def count(self, name: str) -> int:
        """Return a count of ``images`` or ``counts``, 0 where it is not there."""
        found = {**self.content.get('counts', {}), **self.content.get('images', {})}.get(name, 0)
        return sum(found.values()) if isinstance(found, Mapping) else int(found)


class Scores:
    """Summaries by protocol, row and whether they were aligned; none of them twice."""

    def __init__(self, scores: Iterable[Score]) -> None:
        self._by_key: dict[tuple[str, str, bool], Score] = {}
        for score in scores:
            key = (score.protocol, score.row, score.aligned)
            other = self._by_key.setdefault(key, score)
            if other is not score:
                raise InputError(
                    f'{score.file} and {other.file} both hold row {score.row} on '
                    f'{score.protocol}; name one of the evaluations'
                )

    @classmethod
    def read(cls, folders: Iterable[Path]) -> 'Scores':
        """
        Read every summary of some evaluations.

        :param folders: their output folders
        :raises InputError: where there is none, one cannot be read, or two are of the same row
        """
        found = []
        for folder in folders:
            files = sorted((folder / FOLDER).rglob('*.json'))
            if not files:
                raise InputError(f'{folder} has no scores; run score on it, or leave it out')
            found += [_read(file) for file in files]
        return cls(found)

    def get(self, protocol: str, row: str, *, aligned: bool) -> Score | None:
        """Return a summary, None where there is no file."""
        return self._by_key.get((protocol, row, aligned))

    def rows(self, *, aligned: bool) -> list[str]:
        """Return the names of all rows, aligned to the true depth or not."""
        return sorted({row for _, row, fitted in self._by_key if fitted is aligned})

    def __iter__(self) -> Any:
        return iter(self._by_key.values())


def _read(file: Path) -> Score:
    try:
        content = json.loads(file.read_text(encoding='utf-8'))
        protocol, row, align = content['protocol'], content['row'], content['align']
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{file} is not a summary of score ({error}); score again') from error
    if protocol not in PROTOCOLS:
        raise InputError(f'{file} is of protocol {protocol}, which is unknown; score again')
    return Score(file=file, protocol=protocol, row=row, aligned=align != 'none', content=content)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def set_of(row: str) -> str:
    """Return the set of a row named SET/prior, SET/aligned or SET/refined, '' for others."""
    name, _, role = row.rpartition('/')
    return name if role in ROLES else ''
