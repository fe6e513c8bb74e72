# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small things scattered over the tops of furniture."""

from collections.abc import Callable
import math

from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
from depth_refiner_ros.sources.simulated.rooms.small_things import (
    ball,
    books,
    bottle,
    bowl,
    can,
    carton,
    desk_lamp,
    laptop,
    mug,
    papers,
    plate,
    potted_plant,
    vase,
)
import numpy as np

ON_TABLE: tuple[Callable[[Kit], Piece], ...] = (
    mug,
    bottle,
    bowl,
    plate,
    can,
    vase,
    books,
    carton,
    ball,
    papers,
    laptop,
    potted_plant,
)
ON_DESK: tuple[Callable[[Kit], Piece], ...] = (
    mug,
    bottle,
    books,
    books,
    papers,
    papers,
    can,
    carton,
    desk_lamp,
    potted_plant,
    laptop,
)


def strew(
    kit: Kit,
    piece: Piece,
    top: Top,
    density: float,
    choice: tuple[Callable[[Kit], Piece], ...] = ON_TABLE,
    room_above: float = 9.9,
) -> None:
    """
    Stand small things on a top so that they neither overlap nor stick out.

    :param density: things per square metre
    :param room_above: free height above the top in metres
    """
    width, depth = top.x1 - top.x0, top.y1 - top.y0
    placed: list[tuple[float, float, float]] = []
    for _ in range(int(kit.rng.poisson(density * width * depth))):
        thing = choice[kit.integer(0, len(choice) - 1)](kit)
        low, high = thing.bounds()
        centre = (low + high) / 2
        reach = float(np.hypot(high[0] - low[0], high[1] - low[1])) / 2
        if min(width, depth) <= 2 * reach or high[2] > room_above:
            continue
        x = kit.uniform(top.x0 + reach, top.x1 - reach)
        y = kit.uniform(top.y0 + reach, top.y1 - reach)
        if any(math.hypot(x - a, y - b) < reach + r for a, b, r in placed):
            continue
        placed.append((x, y, reach))
        yaw = kit.uniform(-math.pi, math.pi)
        dx = math.cos(yaw) * centre[0] - math.sin(yaw) * centre[1]
        dy = math.sin(yaw) * centre[0] + math.cos(yaw) * centre[1]
        piece.add(thing, (x - dx, y - dy, top.z), yaw=yaw)
