# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Place things in a room and on its walls, without overlaps."""

from dataclasses import dataclass, field
import math

from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


@dataclass
class Plan:
    """Occupied space: rectangles of the floor and intervals of the four walls."""

    size_3: np.ndarray
    floor: list[tuple[float, float, float, float]] = field(default_factory=list)
    walls: list[tuple[int, float, float, float, float]] = field(default_factory=list)

    def length(self, wall: int) -> float:
        """Return the length of a wall; 0 is at the far y, then counter-clockwise."""
        return float(self.size_3[0] if wall % 2 == 0 else self.size_3[1])

    def pose(self, wall: int, along: float, inset: float) -> tuple[float, float, float]:
        """Return x, y and yaw of a piece whose back touches the wall at ``along``."""
        width, depth = float(self.size_3[0]), float(self.size_3[1])
        x, y = ((along, depth - inset), (inset, along), (along, inset), (width - inset, along))[
            wall
        ]
        return x, y, (0.0, math.pi / 2, math.pi, -math.pi / 2)[wall]

    def wall_free(self, wall: int, s0: float, s1: float, z0: float, z1: float) -> bool:
        """Whether the wall is free from s0 to s1 along it, at heights z0 to z1."""
        return all(
            wall != k or s1 < a or b < s0 or z1 < low or high < z0
            for k, a, b, low, high in self.walls
        )

    def floor_free(self, box: tuple[float, float, float, float]) -> bool:
        """Whether a rectangle (x0, y0, x1, y1) is inside the room and free."""
        x0, y0, x1, y1 = box
        inside = x0 >= 0 and y0 >= 0 and x1 <= self.size_3[0] and y1 <= self.size_3[1]
        return inside and all(x1 < a or c < x0 or y1 < b or d < y0 for a, b, c, d in self.floor)

    def covered(self) -> float:
        """Return the share of the floor that is occupied."""
        area = sum((c - a) * (d - b) for a, b, c, d in self.floor)
        return area / float(self.size_3[0] * self.size_3[1])


def footprint(piece: Piece, x: float, y: float, yaw: float) -> tuple[float, float, float, float]:
    """Return the rectangle (x0, y0, x1, y1) on the floor that bounds a placed piece."""
    low, high = piece.bounds()
    corners = np.array([(a, b) for a in (low[0], high[0]) for b in (low[1], high[1])])
    turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
    spread = corners @ turn.T + (x, y)
    return (
        float(spread[:, 0].min()),
        float(spread[:, 1].min()),
        float(spread[:, 0].max()),
        float(spread[:, 1].max()),
    )


def at_wall(kit: Kit, plan: Plan, scene: Piece, piece: Piece, mounted: bool = False) -> bool:
    """Stand a piece with its back at a wall, or hang it; return whether a place was found."""
    low, high = piece.bounds()
    half = float(high[0] - low[0]) / 2
    middle = float(high[0] + low[0]) / 2
    for _ in range(8):
        wall = kit.integer(0, 3)
        if plan.length(wall) <= 2 * half + 0.1:
            continue
        along = kit.uniform(half + 0.05, plan.length(wall) - half - 0.05)
        span = (along - half, along + half, float(low[2]), float(high[2]))
        if not plan.wall_free(wall, *span):
            continue
        inset = 0.0 if mounted else float(high[1]) + kit.uniform(0.015, 0.06)
        x, y, yaw = plan.pose(wall, along, inset)
        if not mounted:
            box = footprint(piece, x, y, yaw)
            if not plan.floor_free(box):
                continue
            plan.floor.append(box)
        plan.walls.append((wall, *span))
        shift = np.array([math.cos(yaw), math.sin(yaw)]) * (-middle)
        scene.add(piece, (x + float(shift[0]), y + float(shift[1]), 0), yaw=yaw)
        return True
    return False


def on_floor(kit: Kit, plan: Plan, scene: Piece, piece: Piece) -> bool:
    """Stand a piece freely on the floor; return whether a place was found."""
    for _ in range(6):
        yaw = (
            kit.uniform(-math.pi, math.pi) if kit.chance(0.6) else math.pi / 2 * kit.integer(0, 3)
        )
        x, y = (kit.uniform(0.2, float(side) - 0.2) for side in plan.size_3[:2])
        box = footprint(piece, x, y, yaw)
        if plan.floor_free(box):
            plan.floor.append(box)
            scene.add(piece, (x, y, 0), yaw=yaw)
            return True
    return False
