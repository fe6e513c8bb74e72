# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tables, seats and beds in true sizes; origin on the floor, front towards -y."""

import math

from depth_refiner_ros.sources.simulated.rooms.clutter import ON_DESK, ON_TABLE, strew
from depth_refiner_ros.sources.simulated.rooms.materials import Kit, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
from depth_refiner_ros.sources.simulated.rooms.small_things import cushion, keyboard, monitor
import numpy as np


def _legs(
    kit: Kit, piece: Piece, width: float, depth: float, height: float, thick: float, material: int
) -> None:
    """Add four legs at the corners of a rectangle, square or round."""
    round_legs = kit.chance(0.4)
    for x in (-width / 2 + thick, width / 2 - thick):
        for y in (-depth / 2 + thick, depth / 2 - thick):
            if round_legs:
                piece.cylinder((x, y, 0), thick * 0.4, height, material, 10, thick / 2)
            else:
                piece.box((x, y, height / 2), (thick, thick, height), material)


def table(kit: Kit, density: float = 9.0) -> Piece:
    """Make a table 0.72-0.76 m high: four legs, or round on one foot."""
    piece, wood, height = Piece(), kit.wood(), kit.uniform(0.72, 0.76)
    thick = kit.uniform(0.018, 0.045)
    if kit.chance(0.25):
        radius = kit.uniform(0.4, 0.65)
        piece.cylinder((0, 0, height - thick), radius, thick, wood, 32)
        piece.cylinder((0, 0, 0.02), 0.05, height - thick - 0.02, kit.main_metal, 14)
        piece.cylinder((0, 0, 0), radius * 0.5, 0.02, kit.main_metal, 24)
        half_w = half_d = radius * 0.68
    else:
        half_w, half_d = kit.uniform(0.5, 1.0), kit.uniform(0.38, 0.5)
        piece.box((0, 0, height - thick / 2), (2 * half_w, 2 * half_d, thick), wood)
        _legs(
            kit,
            piece,
            2 * half_w,
            2 * half_d,
            height - thick,
            kit.uniform(0.04, 0.08),
            wood if kit.chance(0.6) else kit.main_metal,
        )
        if kit.chance(0.5):
            for y in (-half_d + 0.06, half_d - 0.06):
                piece.box((0, y, height - thick - 0.04), (2 * half_w - 0.12, 0.02, 0.08), wood)
    if kit.chance(0.2):
        cloth = kit.fabric()
        piece.box((0, 0, height + 0.001), (1.2 * half_w, 0.7 * half_d, 0.003), cloth)
    top = Top(-half_w, half_w, -half_d, half_d, height + 0.0025)
    piece.tops.append(top)
    strew(kit, piece, top, density, ON_TABLE)
    return piece


def coffee_table(kit: Kit) -> Piece:
    """Make a low table, 0.38-0.48 m high."""
    piece, wood, height = Piece(), kit.wood(), kit.uniform(0.38, 0.48)
    width, depth = kit.uniform(0.7, 1.2), kit.uniform(0.45, 0.7)
    piece.box((0, 0, height - 0.015), (width, depth, 0.03), wood)
    _legs(kit, piece, width, depth, height - 0.03, 0.05, kit.main_metal)
    if kit.chance(0.5):
        piece.box((0, 0, 0.15), (width - 0.1, depth - 0.1, 0.018), wood)
    strew(kit, piece, Top(-width / 2, width / 2, -depth / 2, depth / 2, height), 7)
    return piece


def desk(kit: Kit, density: float = 9.0) -> Piece:
    """Make a desk with monitors, keyboard, drawers and clutter."""
    piece, wood, height = Piece(), kit.wood(), kit.uniform(0.72, 0.76)
    width, depth = kit.uniform(1.1, 1.8), kit.uniform(0.6, 0.8)
    piece.box((0, 0, height - 0.0125), (width, depth, 0.025), wood)
    if kit.chance(0.5):
        for x in (-width / 2 + 0.012, width / 2 - 0.012):
            piece.box((x, 0, (height - 0.025) / 2), (0.024, depth, height - 0.025), wood)
        piece.box((0, depth / 2 - 0.05, height - 0.25), (width - 0.05, 0.018, 0.4), wood)
    else:
        _legs(kit, piece, width, depth, height - 0.025, 0.05, kit.main_metal)
    if kit.chance(0.6):
        piece.add(drawers(kit, 0.4, depth - 0.1, 0.55, wood), (width / 2 - 0.25, 0.02, 0.03))
    screens = kit.integer(0, 2)
    for index in range(screens):
        x = (index - (screens - 1) / 2) * 0.78
        piece.add(monitor(kit), (x, depth / 2 - 0.14, height), yaw=kit.uniform(-0.25, 0.25))
    if screens:
        piece.add(
            keyboard(kit), (kit.uniform(-0.1, 0.1), -0.12, height), yaw=kit.uniform(-0.1, 0.1)
        )
        piece.ball((0.3, -0.12, height + 0.012), (0.03, 0.05, 0.02), kit.plain(), 12)
    side = Top(
        -width / 2,
        -0.27 if screens else width / 2,
        -depth / 2,
        depth / 2 - (0.26 if screens else 0),
        height,
    )
    strew(kit, piece, side, density, ON_DESK)
    other = Top(0.36, width / 2, -depth / 2, depth / 2 - 0.26, height)
    if screens:
        strew(kit, piece, other, density, ON_DESK)
    piece.tops.append(Top(-width / 2, width / 2, -depth / 2, depth / 2, height))
    return piece


def drawers(kit: Kit, width: float, depth: float, height: float, body: int) -> Piece:
    """Make a chest of drawers of this size with gaps and handles."""
    piece, rows = Piece(), max(2, round(height / kit.uniform(0.16, 0.26)))
    piece.box((0, 0.01, height / 2), (width, depth - 0.02, height), body)
    step = (height - 0.02) / rows
    for row in range(rows):
        z = 0.01 + (row + 0.5) * step
        piece.box((0, -depth / 2 + 0.008, z), (width - 0.012, 0.018, step - 0.01), body)
        piece.box((0, -depth / 2 - 0.008, z), (min(0.14, width / 3), 0.014, 0.014), kit.main_metal)
    return piece


def chair(kit: Kit) -> Piece:
    """Make a chair, seat 0.43-0.47 m high, with a solid, slatted or barred back."""
    piece, seat = Piece(), kit.uniform(0.43, 0.47)
    frame = kit.main_wood if kit.chance(0.5) else kit.wood() if kit.chance(0.6) else kit.metal()
    width, depth, back = kit.uniform(0.38, 0.46), kit.uniform(0.38, 0.44), kit.uniform(0.36, 0.5)
    leg = kit.uniform(0.022, 0.04)
    padded = kit.chance(0.4)
    piece.box((0, 0, seat - 0.0125), (width, depth, 0.025), frame)
    if padded:
        piece.ball((0, 0, seat), (width / 2, depth / 2, 0.035), kit.fabric(), 16, power=0.4)
    _legs(kit, piece, width, depth, seat - 0.02, leg, frame)
    rest, lean = Piece(), kit.uniform(0.05, 0.2)
    for x in (-width / 2 + leg / 2, width / 2 - leg / 2):
        rest.box((x, 0, back / 2), (leg, leg, back), frame)
    kind = str(kit.rng.choice(['solid', 'slats', 'bars']))
    if kind == 'solid':
        rest.box(
            (0, 0, back * 0.62),
            (width - leg, 0.018, back * 0.7),
            kit.fabric() if padded else frame,
        )
    elif kind == 'slats':
        for index in range(kit.integer(2, 4)):
            rest.box((0, 0, back - 0.03 - index * 0.11), (width - leg, 0.014, 0.05), frame)
    else:
        rest.box((0, 0, back - 0.02), (width, leg, 0.045), frame)
        for x in np.linspace(-width / 2 + 0.05, width / 2 - 0.05, kit.integer(4, 7)):
            rest.box((float(x), 0, back / 2), (0.013, 0.013, back), frame)
    piece.add(rest, (0, depth / 2 - leg / 2, seat - 0.01), roll=-lean)
    if kit.chance(0.2):
        for x in (-width / 2, width / 2):
            piece.tube(
                [
                    (x, depth / 2, seat + 0.2),
                    (x, -depth / 2 + 0.05, seat + 0.2),
                    (x, -depth / 2 + 0.05, seat - 0.02),
                ],
                0.013,
                frame,
            )
    return piece


def office_chair(kit: Kit) -> Piece:
    """Make a swivel chair on five castors."""
    piece, cloth, metal = Piece(), kit.fabric(), kit.metal()
    seat = kit.uniform(0.43, 0.5)
    for turn in np.arange(5) * 2 * math.pi / 5:
        x, y = 0.3 * math.cos(turn), 0.3 * math.sin(turn)
        piece.tube([(0, 0, 0.1), (x, y, 0.07)], 0.02, metal, 6)
        piece.ball((x, y, 0.03), (0.03, 0.03, 0.03), metal, 10)
    piece.cylinder((0, 0, 0.08), 0.025, seat - 0.1, metal, 10)
    piece.ball((0, 0, seat - 0.04), (0.24, 0.23, 0.05), cloth, 16, power=0.5)
    piece.box((0, 0.22, seat + 0.1), (0.07, 0.02, 0.3), metal)
    piece.ball((0, 0.2, seat + 0.32), (0.22, 0.045, 0.24), cloth, 16, power=0.5)
    if kit.chance(0.6):
        for x in (-0.26, 0.26):
            piece.tube([(x * 0.8, 0, seat - 0.05), (x, 0, seat), (x, 0, seat + 0.2)], 0.014, metal)
            piece.box((x, -0.02, seat + 0.21), (0.06, 0.24, 0.025), metal)
    return piece


def stool(kit: Kit) -> Piece:
    """Make a stool, 0.43-0.47 m, or a bar stool, 0.63-0.78 m high."""
    piece, wood = Piece(), kit.wood()
    height = kit.uniform(0.43, 0.47) if kit.chance(0.5) else kit.uniform(0.63, 0.78)
    radius = kit.uniform(0.15, 0.19)
    piece.cylinder((0, 0, height - 0.03), radius, 0.03, wood, 20)
    for turn in np.arange(4) * math.pi / 2 + math.pi / 4:
        x, y = math.cos(turn), math.sin(turn)
        piece.tube(
            [(radius * x, radius * y, 0), (0.7 * radius * x, 0.7 * radius * y, height - 0.03)],
            0.015,
            wood,
        )
    angle = np.linspace(0, 2 * math.pi, 17)
    piece.tube(
        np.stack(
            [
                0.87 * radius * np.cos(angle),
                0.87 * radius * np.sin(angle),
                0 * angle + 0.3 * height,
            ],
            -1,
        ),
        0.008,
        kit.main_metal,
        6,
    )
    return piece


def sofa(kit: Kit) -> Piece:
    """Make an armchair or a sofa of two or three seats with cushions."""
    piece, cloth, seats = Piece(), kit.fabric(), kit.integer(1, 3)
    one, depth, seat = kit.uniform(0.6, 0.75), kit.uniform(0.8, 0.95), kit.uniform(0.4, 0.46)
    width, arm, back = seats * one, kit.uniform(0.12, 0.22), kit.uniform(0.36, 0.48)
    piece.box((0, 0, 0.18), (width, depth, 0.2), cloth)
    for x in (-width / 2 - arm / 2, width / 2 + arm / 2):
        piece.box((x, 0, 0.31), (arm, depth, 0.46), cloth)
        piece.tube([(x, -depth / 2, 0.54), (x, depth / 2, 0.54)], arm * 0.55, cloth, 12)
        for y in (-depth / 2 + 0.06, depth / 2 - 0.06):
            piece.cylinder((x, y, 0), 0.02, 0.09, kit.main_wood, 8, 0.028)
    piece.box(
        (0, depth / 2 - 0.09, 0.28 + (seat + back - 0.28) / 2),
        (width, 0.18, seat + back - 0.28),
        cloth,
    )
    for index in range(seats):
        x = (index - (seats - 1) / 2) * one
        piece.ball((x, -0.08, seat - 0.08), (one / 2, depth / 2 - 0.1, 0.1), cloth, 16, 0.4)
        piece.ball(
            (x, depth / 2 - 0.24, seat + back / 2), (one / 2, 0.09, back / 2), cloth, 16, 0.5
        )
        if kit.chance(0.4):
            piece.add(
                cushion(kit),
                (x + kit.uniform(-0.1, 0.1), depth / 2 - 0.42, seat),
                yaw=kit.uniform(-0.3, 0.3),
            )
    return piece


def bed(kit: Kit) -> Piece:
    """Make a bed of 0.9-1.8 x 2 m with mattress, blanket and pillows."""
    piece, wood, sheet = Piece(), kit.wood(), kit.plain(WALLS, 0)
    width, high = float(kit.rng.choice([0.9, 1.4, 1.6, 1.8])), kit.uniform(0.28, 0.4)
    piece.box((0, 0, high - 0.08), (width + 0.06, 2.06, 0.16), wood)
    _legs(kit, piece, width, 2.0, high - 0.16, 0.07, wood)
    piece.box((0, 1.04, 0.5), (width + 0.06, 0.04, kit.uniform(0.8, 1.0)), wood)
    piece.ball((0, 0, high + 0.1), (width / 2, 1.0, 0.12), sheet, 20, power=0.25)
    piece.ball((0, -0.28, high + 0.13), (width / 2 + 0.03, 0.76, 0.12), kit.fabric(), 20, 0.3)
    count = 1 if width < 1.2 else 2
    for index in range(count):
        piece.ball(
            ((index - (count - 1) / 2) * width / 2, 0.72, high + 0.27),
            (0.33, 0.22, 0.08),
            kit.fabric() if kit.chance(0.5) else sheet,
            16,
            0.6,
        )
    return piece
