# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A place under construction: what its floor plan, triangles and windows are so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.rooms import structures
from depth_refiner_ros.sources.simulated.rooms.layout import at_wall, footprint, on_floor, Plan
from depth_refiner_ros.sources.simulated.rooms.light_sources import Pane
from depth_refiner_ros.sources.simulated.rooms.room import openings
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Point
import numpy as np


@dataclass(frozen=True)
class Spot:
    """
    A table's top in the map, to look at from its edge.

    :param centre_3: its middle, in metres
    :param half_2: half its width and depth, in metres
    :param yaw: how the table is turned (radians)
    """

    centre_3: np.ndarray
    half_2: tuple[float, float]
    yaw: float


class Scene(Piece):
    """All triangles of a place; it remembers the table tops of what is added."""

    def __init__(self) -> None:
        super().__init__()
        self.spots: list[Spot] = []

    def add(
        self,
        other: Piece,
        at: Point = (0, 0, 0),
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
    ) -> None:
        """Add a piece as :meth:`Piece.add` does."""
        super().add(other, at, yaw, pitch, roll)
        for top in other.tops:
            x, y = (top.x0 + top.x1) / 2, (top.y0 + top.y1) / 2
            turned = math.cos(yaw) * x - math.sin(yaw) * y, math.sin(yaw) * x + math.cos(yaw) * y
            centre = np.array([at[0] + turned[0], at[1] + turned[1], at[2] + top.z])
            self.spots.append(Spot(centre, ((top.x1 - top.x0) / 2, (top.y1 - top.y0) / 2), yaw))


@dataclass
class Site:
    """
    What a kind of place works on.

    :param size_3: width (x), depth (y) and height of the place in metres
    :param daylight: brightness of what windows show; below 0.1 it is night
    :param panes: window panes that let light in
    """

    kit: PlaceKit
    size_3: np.ndarray
    daylight: float
    scene: Scene = field(default_factory=Scene)
    panes: list[Pane] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.plan = Plan(self.size_3)

    @property
    def sides(self) -> tuple[float, float, float]:
        """Return width, depth and height in metres."""
        return tuple(float(side) for side in self.size_3)  # type: ignore[return-value]

    def put(self, piece: Piece, x: float, y: float, yaw: float = 0.0) -> bool:
        """Stand a piece at a place of the floor if it is free; return whether it is."""
        box = footprint(piece, x, y, yaw)
        if not self.plan.floor_free(box):
            return False
        self.plan.floor.append(box)
        self.scene.add(piece, (x, y, 0), yaw=yaw)
        return True

    def stand(self, pieces: Sequence[Piece], count: int) -> None:
        """Stand copies of some of the pieces anywhere on the free floor."""
        for _ in range(count):
            on_floor(self.kit, self.plan, self.scene, self.kit.one_of(pieces))

    def line(self, pieces: Sequence[Piece], count: int) -> None:
        """Stand copies of some of the pieces with their backs at the walls."""
        for _ in range(count):
            at_wall(self.kit, self.plan, self.scene, self.kit.one_of(pieces))

    def hang(self, pieces: Sequence[Piece], count: int) -> None:
        """Hang copies of some of the pieces on the walls."""
        for _ in range(count):
            at_wall(self.kit, self.plan, self.scene, self.kit.one_of(pieces), mounted=True)

    def keep_free(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Let nothing stand in a rectangle of the floor."""
        self.plan.floor.append((x0, y0, x1, y1))


def open_site(kit: PlaceKit, width: float, depth: float, height: float) -> Site:
    """Return a bare room of this size in metres with doors and windows, either side first."""
    sides = [width, depth]
    if kit.chance(0.5):
        sides.reverse()
    daylight = kit.uniform(0.8, 3.0) if kit.chance(0.75) else 0.05
    site = Site(kit, np.array([*sides, height], np.float32), daylight)
    site.scene.add(structures.shell(kit, *site.sides))
    site.panes = openings(kit, site.plan, site.scene, daylight)
    return site
