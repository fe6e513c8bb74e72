# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One frame from each of many places, each with a lens and a point of view of its own."""

from collections.abc import Iterator

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.simulated.place_views import place_views
from depth_refiner_ros.sources.simulated.places.place import build_place
from depth_refiner_ros.sources.simulated.render.exposure import expose
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
from depth_refiner_ros.sources.simulated.source import FIRST_STAMP_NS
import numpy as np


class PlacesSource:
    """
    One view of each of the places of consecutive seeds, one second apart, with exact depth.

    The same arguments give the same frames bit for bit.

    :param first_seed: of the first place, not negative
    :param places: number of places, at least 1
    :param width: image columns
    :param height: image rows
    :raises SourceError: if an argument is out of range
    """

    def __init__(
        self, first_seed: int, places: int = 1, *, width: int = 640, height: int = 480
    ) -> None:
        if first_seed < 0 or places < 1 or min(width, height) < 16:
            raise SourceError(
                f'{places} places from seed {first_seed} at {width}x{height}; give at least 1, a '
                'seed >= 0 and at least 16x16 pixels'
            )
        self._seeds = range(first_seed, first_seed + places)
        self._size = width, height

    @property
    def name(self) -> str:
        """Return a short name for reports."""
        return f'places_{self._seeds[0]}_to_{self._seeds[-1]}'

    def __len__(self) -> int:
        return len(self._seeds)

    def __iter__(self) -> Iterator[Frame]:
        for index, seed in enumerate(self._seeds):
            place = build_place(seed)
            renderer = RoomRenderer(place)
            (view,) = place_views(place, renderer, seed, 1, self._size)
            seen = renderer.render(view.intrinsics, view.map_from_camera)
            yield Frame(
                stamp_ns=FIRST_STAMP_NS + index * 1_000_000_000,
                rgb_HW3=expose(seen.linear_rgb_HW3, np.random.default_rng([seed, 5, 0])),
                intrinsics=view.intrinsics,
                depth_m_HW=seen.depth_m_HW,
                map_from_camera=view.map_from_camera,
                name=f'{place.kind}_{seed}_{view.kind}',
            )
