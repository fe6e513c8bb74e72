# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The simulated camera as a source of frames."""

from collections.abc import Iterator
from functools import cached_property

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.simulated.camera_paths import camera_path, random_intrinsics
from depth_refiner_ros.sources.simulated.render.exposure import expose
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
from depth_refiner_ros.sources.simulated.rooms.room import build_room, Room
from depth_refiner_ros.sources.simulated.walkers import PeopledRoom
import numpy as np

FIRST_STAMP_NS = 1_000_000_000
MOST_PEOPLE = 8


class SimulatedSource:
    """
    A camera that moves through a furnished room; each image has exact depth and pose.

    The same arguments give the same frames bit for bit, however often they are read.

    :param seed: of room, camera and path; not negative
    :param frames: number of frames, at least 1
    :param width: image columns
    :param height: image rows
    :param rate_hz: frames per second of simulated time
    :param people: number of people who walk to and fro; the camera's path is the same without
    :raises SourceError: if an argument is out of range
    """

    def __init__(
        self,
        seed: int = 0,
        frames: int = 60,
        width: int = 640,
        height: int = 480,
        rate_hz: float = 10.0,
        people: int = 0,
    ) -> None:
        if seed < 0 or frames < 1 or min(width, height) < 16 or not 0 < rate_hz <= 1000:
            raise SourceError(
                f'simulated camera: seed {seed}, {frames} frames, {width}x{height} at {rate_hz} '
                'Hz; give seed >= 0, frames >= 1, at least 16x16 pixels and 0 < rate <= 1000'
            )
        if not 0 <= people <= MOST_PEOPLE:
            raise SourceError(
                f'simulated camera: {people} people; a room takes 0 to {MOST_PEOPLE}'
            )
        self.seed, self.frames, self.rate_hz, self.people = seed, frames, rate_hz, people
        self.intrinsics: Intrinsics = random_intrinsics(seed, width, height)

    @property
    def name(self) -> str:
        """Return a short name for reports."""
        peopled = f'_{self.people}_people' if self.people else ''
        return f'simulated_{self.seed}{peopled}'

    @cached_property
    def room(self) -> Room:
        """Return the room, built on first use."""
        return build_room(self.seed)

    @cached_property
    def _renderer(self) -> RoomRenderer:
        return RoomRenderer(self.room)

    @cached_property
    def poses(self) -> list[np.ndarray]:
        """Return ``map_from_camera`` of all frames."""
        return camera_path(self.room, self._renderer, self.seed, self.frames, self.rate_hz)

    @cached_property
    def _peopled(self) -> PeopledRoom:
        return PeopledRoom(
            self.room, self._renderer, self.seed, self.people, self.poses, self.rate_hz
        )

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``vertices_N3`` in metres and ``triangles_M3`` of the room without people."""
        return self.room.mesh()

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[Frame]:
        for index, map_from_camera in enumerate(self.poses):
            renderer = RoomRenderer(self._peopled.at(index)) if self.people else self._renderer
            seen = renderer.render(self.intrinsics, map_from_camera)
            yield Frame(
                stamp_ns=FIRST_STAMP_NS + round(index * 1e9 / self.rate_hz),
                of_video=True,
                rgb_HW3=expose(seen.linear_rgb_HW3, np.random.default_rng([self.seed, 5, index])),
                intrinsics=self.intrinsics,
                depth_m_HW=seen.depth_m_HW,
                map_from_camera=map_from_camera.copy(),
                name=f'{self.name}/{index:05d}',
            )
