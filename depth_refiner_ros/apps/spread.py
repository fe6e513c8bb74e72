# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which frames of a source a command takes, and which of those it shows."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar('Item')


def count_taken(frames: int, *, every: int = 1, limit: int = 0) -> int:
    """Return how many of ``count`` frames :func:`taken` takes."""
    return len(range(0, min(frames, limit * every) if limit else frames, every))


def taken(frames: Iterable[Item], *, every: int = 1, limit: int = 0) -> Iterator[Item]:
    """Yield every n-th frame, at most ``limit`` of them; 0 is no limit."""
    return islice(frames, 0, limit * every if limit else None, every)


def spread_indices(count: int, shown: int) -> list[int]:
    """Return up to ``shown`` indices, evenly spread, not at the very ends."""
    shown = min(shown, count)
    return [int((2 * i + 1) * count / (2 * shown)) for i in range(shown)]


class Spread:
    """
    Picks evenly spread frames; instead of a lost frame it picks the next usable one.

    :param count: expected number of frames
    :param shown: number of frames to pick
    """

    def __init__(self, count: int, shown: int) -> None:
        self._due = spread_indices(count, shown)

    def picks(self, index: int) -> bool:
        """Return whether to show the frame of this index; call it once per frame, in order."""
        if not self._due or index < self._due[0]:
            return False
        del self._due[0]
        return True
