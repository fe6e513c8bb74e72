# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pieces are trained, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest
from training.reproduction.apdepth import STUDIES as APDEPTH
from training.reproduction.pieces import Piece
from training.reproduction.sharpdepth import TABLE_3 as SHARPDEPTH
from training.reproduction.studies import Study

STUDIES: list[Study] = [SHARPDEPTH, *APDEPTH]
PIECES: dict[str, Piece] = {
    piece.name: piece for study in (*APDEPTH, SHARPDEPTH) for piece in study.pieces
}
"""All pieces in an order in which each comes after those that it needs."""


@dataclass(frozen=True)
class Job:
    """A piece with one seed."""

    piece: str
    seed: int

    @property
    def needs(self) -> list['Job']:
        """Return the jobs that must be done before."""
        return [Job(name, self.seed) for name in PIECES[self.piece].needs]


def jobs_of(only: Sequence[str], seeds: int) -> list[Job]:
    """
    Return the jobs in order: all pieces of a seed before the next, each after what it needs.

    :param only: names of pieces or studies, or patterns such as `sharpdepth_*`; empty for all
    :raises SettingsError: for a name that fits nothing
    """
    wanted = set(PIECES) if not only else {name for word in only for name in _named(word)}
    while missing := {need for name in wanted for need in PIECES[name].needs} - wanted:
        wanted |= missing
    return [Job(name, seed) for seed in range(seeds) for name in PIECES if name in wanted]


def _named(word: str) -> set[str]:
    """Return the pieces that a word of the command line means."""
    studies = {study.name: study for study in STUDIES}
    if word in studies:
        return {row.piece for row in studies[word].rows}
    found = {name for name in PIECES if fnmatchcase(name, word)}
    if not found:
        known = [*studies, *PIECES]
        raise SettingsError(
            f'only = {word!r} is neither a piece nor a study{nearest(word, known)}; known are '
            f'{", ".join(known)}'
        )
    return found
