# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cars in true sizes, front towards +x, with wheels, windows and lights."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.rooms.materials import Color
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np

_PAINTS: tuple[Color, ...] = (
    (230, 230, 230),
    (40, 42, 46),
    (150, 154, 158),
    (90, 94, 100),
    (30, 50, 100),
    (150, 26, 26),
    (200, 200, 190),
    (40, 70, 50),
)


def car(kit: PlaceKit) -> Piece:
    """Make a car, 3.7-4.8 m long and 1.4-1.7 m high."""
    length, width, height = kit.uniform(3.7, 4.8), kit.uniform(1.68, 1.85), kit.uniform(1.4, 1.68)
    paint, piece = kit.plain(_PAINTS, 0.7), Piece()
    waist, boot = 0.58 * height, kit.uniform(-0.5, -0.34)
    # (x / length, height, share of the width) of the body's stations, from the rear.
    body = [
        (-0.5, 0.75 * waist, 0.86),
        (-0.49, 0.95 * waist, 0.95),
        (-0.3, waist, 1.0),
        (0.2, waist, 1.0),
        (0.42, 0.88 * waist, 0.97),
        (0.5, 0.62 * waist, 0.84),
    ]
    _shell(piece, [(x * length, z, share * width / 2) for x, z, share in body], 0.2, paint)
    glass = kit.plain(((24, 28, 32),), 0.8)
    cabin = [
        (boot, waist - 0.02, 0.9),
        (boot + 0.1, height - 0.03, 0.74),
        (0.02, height, 0.74),
        (0.22, waist - 0.02, 0.92),
    ]
    _shell(
        piece, [(x * length, z, share * width / 2) for x, z, share in cabin], waist - 0.1, glass
    )
    roof = (0.02 - boot - 0.1) * length
    middle = (boot + 0.1) * length + roof / 2
    piece.ball((middle, 0, height - 0.005), (roof / 2, 0.37 * width, 0.035), paint, 14, 0.4)
    _wheels(kit, piece, length, width)
    _lights(kit, piece, length, width, 0.7 * waist)
    return piece


def van(kit: PlaceKit) -> Piece:
    """Make a van, 5-6 m long and 2-2.6 m high."""
    length, width, height = kit.uniform(5, 6), 1.95, kit.uniform(2, 2.6)
    paint, piece = kit.plain(_PAINTS, 0.4), Piece()
    body = [
        (-0.5, 0.95 * height, 0.96),
        (-0.48, height, 1.0),
        (0.22, height, 1.0),
        (0.36, 0.55 * height, 1.0),
        (0.49, 0.45 * height, 0.95),
        (0.5, 0.3 * height, 0.9),
    ]
    _shell(piece, [(x * length, z, share * width / 2) for x, z, share in body], 0.25, paint)
    glass = kit.plain(((24, 28, 32),), 0.8)
    for side in (-1, 1):
        piece.box((0.22 * length, side * width / 2, 0.68 * height), (0.9, 0.02, 0.5), glass)
    _wheels(kit, piece, length, width)
    _lights(kit, piece, length, width, 0.8)
    return piece


def _shell(
    piece: Piece, stations: list[tuple[float, float, float]], low: float, material: int
) -> None:
    """Add an arched skin over stations of (x, height, half width), closed at both ends."""
    ends = [
        (stations[0][0], low, stations[0][2]),
        *stations,
        (stations[-1][0], low, stations[-1][2]),
    ]
    rows = []
    for x, top, half in ends:
        shoulder = low + 0.8 * (top - low)
        rows.append(
            [
                (x, -half, low),
                (x, -half, (low + shoulder) / 2),
                (x, -half * 0.97, shoulder),
                (x, -half * 0.84, top),
                (x, 0, top + 0.02 * half),
                (x, half * 0.84, top),
                (x, half * 0.97, shoulder),
                (x, half, (low + shoulder) / 2),
                (x, half, low),
            ]
        )
    piece.sheet(np.array(rows, np.float32), material)


def _wheels(kit: PlaceKit, piece: Piece, length: float, width: float) -> None:
    """Add four wheels, 0.6-0.68 m high, with their rims."""
    wheel, rubber, radius = Piece(), kit.plain(((22, 22, 24),), 0.1), kit.uniform(0.3, 0.34)
    wheel.cylinder((0, 0, -0.1), radius, 0.2, rubber, 20)
    for z in (-0.105, 0.095):
        wheel.cylinder((0, 0, z), radius * 0.62, 0.01, kit.main_metal, 14)
    for x in (-0.3 * length, 0.31 * length):
        for y in (-width / 2 + 0.09, width / 2 - 0.09):
            piece.add(wheel, (x, y, radius), roll=math.pi / 2)


def _lights(kit: PlaceKit, piece: Piece, length: float, width: float, height: float) -> None:
    """Add lamps and number plates at both ends."""
    white, red = kit.plain(((240, 240, 235),), 0.7), kit.plain(((170, 20, 20),), 0.6)
    for x, lamp in ((0.49 * length, white), (-0.495 * length, red)):
        for y in (-0.36 * width, 0.36 * width):
            piece.ball((x, y, height), (0.07, 0.16, 0.09), lamp, 10, 0.6)
        piece.box((x * 1.02, 0, 0.42), (0.03, 0.5, 0.11), white)
