# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One frame from each of many rooms, to measure accuracy on rooms."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.simulated.source import FIRST_STAMP_NS, SimulatedSource


class RoomsSource:
    """
    The first frame of the simulated camera in rooms of consecutive seeds, one second apart.

    :param first_seed: of the first room
    :param rooms: number of rooms, at least 1
    :param options: of :class:`SimulatedSource`
    :raises SourceError: if an argument is out of range
    """

    def __init__(self, first_seed: int, rooms: int, **options: Any) -> None:
        if rooms < 1:
            raise SourceError(f'{rooms} rooms of the simulated camera; give at least 1')
        self._seeds = range(first_seed, first_seed + rooms)
        self._options = options
        self._camera(first_seed)  # refuses bad options before the first frame is read

    @property
    def name(self) -> str:
        """Return a short name for reports."""
        return f'rooms_{self._seeds[0]}_to_{self._seeds[-1]}'

    def __len__(self) -> int:
        return len(self._seeds)

    def __iter__(self) -> Iterator[Frame]:
        for index, seed in enumerate(self._seeds):
            frame = next(iter(self._camera(seed)))
            stamp_ns = FIRST_STAMP_NS + index * 1_000_000_000
            yield replace(frame, stamp_ns=stamp_ns, of_video=False)

    def _camera(self, seed: int) -> SimulatedSource:
        return SimulatedSource(seed, frames=1, **self._options)
