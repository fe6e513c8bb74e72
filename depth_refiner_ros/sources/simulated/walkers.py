# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""People who walk to and fro through a room while a camera moves in it."""

from dataclasses import dataclass, replace
import math

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.simulated.render.renderer import RoomRenderer
from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.room import Room
from depth_refiner_ros.sources.simulated.rooms.shapes import merged, Piece
from depth_refiner_ros.sources.simulated.rooms.storage_furniture import column
import numpy as np

SLOWEST_M_S, FASTEST_M_S = 0.5, 1.2
"""Top speeds on the way; at its ends a walker turns."""
SHORTEST_M, LONGEST_M = 0.8, 6.0
FROM_THINGS_M = 0.22
FROM_CAMERA_M = 0.6
_LINES, _LINES_TO_COMPARE = 2000, 8
_HEIGHTS_M = 0.3, 0.9, 1.5
_VIEW = math.radians(25)
"""A walker this far from the middle of the view, to either side, is surely in it."""


@dataclass(frozen=True)
class Walker:
    """
    One person on one line of the floor.

    :param figure: standing at the origin, facing -y
    :param middle_2: of the line, in metres
    :param half_2: from there to one of its ends
    :param omega: rad/s of the way to and fro
    :param phase: of the first frame
    """

    figure: Piece
    middle_2: np.ndarray
    half_2: np.ndarray
    omega: float
    phase: float

    def places(self, seconds_N: np.ndarray) -> np.ndarray:
        """Return where it stands, (N, 2) metres."""
        return self.middle_2 + np.sin(self.omega * seconds_N + self.phase)[:, None] * self.half_2

    def stand_in(self, scene: Piece, second: float) -> None:
        """Add it to a scene as it walks at a time."""
        x, y = self.places(np.array([second]))[0].tolist()
        ahead = self.half_2 * math.copysign(1, math.cos(self.omega * second + self.phase))
        scene.add(self.figure, (x, y, 0), yaw=math.atan2(ahead[1], ahead[0]) + math.pi / 2)


class PeopledRoom:
    """
    A room in which people walk, at the times of frames.

    :param room: without them
    :param renderer: of that room
    :param seed: the same seed gives the same walkers bit for bit
    :param count: number of walkers
    :param cameras: ``map_from_camera`` of each frame; nobody walks into the camera
    :param rate_hz: frames per second
    :raises SourceError: if the room has no free line for one of them, with its seed
    """

    def __init__(
        self,
        room: Room,
        renderer: RoomRenderer,
        seed: int,
        count: int,
        cameras: list[np.ndarray],
        rate_hz: float,
    ) -> None:
        self._room, self._rate_hz = room, rate_hz
        kit = Kit(np.random.default_rng([seed, 6]))
        kit.materials = list(room.materials)
        seconds = np.arange(len(cameras)) / rate_hz
        self._walkers: list[Walker] = []
        for _ in range(count):
            taken = [walker.places(seconds) for walker in self._walkers]
            self._walkers.append(_walker(kit, room, renderer, seconds, cameras, taken))
        self._materials = kit.materials

    def at(self, index: int) -> Room:
        """Return the room with everybody where they are at a frame."""
        people = Piece()
        for walker in self._walkers:
            walker.stand_in(people, index / self._rate_hz)
        surface = merged([self._room.surface, people.mesh()])
        return replace(self._room, surface=surface, materials=self._materials)


def _walker(
    kit: Kit,
    room: Room,
    renderer: RoomRenderer,
    seconds_N: np.ndarray,
    cameras: list[np.ndarray],
    others: list[np.ndarray],
) -> Walker:
    """Draw free lines and return a walker on the one that the camera sees most of."""
    figure = column(kit)
    eyes = np.array([pose[:2, 3] for pose in cameras])
    found: list[tuple[float, Walker]] = []
    for _ in range(_LINES):
        if len(found) == _LINES_TO_COMPARE:
            break
        ends = kit.rng.uniform(FROM_THINGS_M, room.size_3[:2] - FROM_THINGS_M, (2, 2))
        half = (ends[1] - ends[0]) / 2
        length = 2 * float(np.hypot(*half))
        top = kit.uniform(SLOWEST_M_S, FASTEST_M_S)
        walker = Walker(
            figure, ends.mean(0), half, 2 * top / length, kit.uniform(-math.pi, math.pi)
        )
        places = walker.places(seconds_N)
        near = [np.linalg.norm(places - other, axis=1).min() for other in others]
        if (
            SHORTEST_M <= length <= LONGEST_M
            and np.linalg.norm(places - eyes, axis=1).min() >= FROM_CAMERA_M
            and min(near, default=math.inf) >= 2 * FROM_THINGS_M
            and _is_free(renderer, ends)
        ):
            found.append((_seen(places, cameras), walker))
    if not found:
        raise SourceError(
            f'room {room.seed}: found no free line for walker {len(others) + 1}; ask for fewer '
            'people or use another seed'
        )
    return max(found, key=lambda scored: scored[0])[1]


def _is_free(renderer: RoomRenderer, ends_22: np.ndarray) -> bool:
    """Return whether nothing stands on a line of the floor or right beside it."""
    steps = np.linspace(ends_22[0], ends_22[1], 24)
    points = np.concatenate(
        [np.column_stack([steps, np.full(len(steps), height)]) for height in _HEIGHTS_M]
    )
    return bool((renderer.clearance_m(points) >= FROM_THINGS_M).all())


def _seen(places_N2: np.ndarray, cameras: list[np.ndarray]) -> float:
    """Return the share of frames whose camera looks towards a walker."""
    towards = places_N2 - np.array([pose[:2, 3] for pose in cameras])
    ahead = np.array([pose[:2, 2] for pose in cameras])
    angle = np.arctan2(towards[:, 1], towards[:, 0]) - np.arctan2(ahead[:, 1], ahead[:, 0])
    return float((np.abs((angle + math.pi) % (2 * math.pi) - math.pi) < _VIEW).mean())
