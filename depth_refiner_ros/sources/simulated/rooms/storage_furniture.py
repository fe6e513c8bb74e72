# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Shelves, cupboards, counters and other things in a room, in true sizes."""

import math

from depth_refiner_ros.sources.simulated.rooms.clutter import ON_TABLE, strew
from depth_refiner_ros.sources.simulated.rooms.furniture import drawers
from depth_refiner_ros.sources.simulated.rooms.materials import BRIGHT, Kit, METALS, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
from depth_refiner_ros.sources.simulated.rooms.small_things import (
    book_row,
    bottle,
    bowl,
    can,
    carton,
    mug,
    plate,
    potted_plant,
)
import numpy as np

_ON_SHELF = (mug, bottle, bowl, can, carton, carton, plate)


def shelf(kit: Kit) -> Piece:
    """Make a book shelf, 0.8-2.1 m high, with books and boxes."""
    piece, wood = Piece(), kit.wood()
    width, height, depth = kit.uniform(0.6, 1.2), kit.uniform(0.8, 2.1), kit.uniform(0.24, 0.36)
    thick, open_back = 0.02, kit.chance(0.4)
    for x in (-width / 2 + thick / 2, width / 2 - thick / 2):
        piece.box((x, 0, height / 2), (thick, depth, height), wood)
    if not open_back:
        piece.box((0, depth / 2 - 0.004, height / 2), (width, 0.008, height), wood)
    levels = max(2, round(height / kit.uniform(0.3, 0.4)))
    step = (height - thick - 0.06) / levels
    for level in range(levels + 1):
        z = 0.06 + level * step
        piece.box((0, 0, z + thick / 2), (width - 2 * thick, depth, thick), wood)
        free = step - thick - 0.02
        if level == levels:
            strew(kit, piece, Top(-width / 2, width / 2, -depth / 2, depth / 2, z + thick), 5)
        elif kit.chance(0.6):
            length = (width - 2 * thick - 0.02) * kit.uniform(0.3, 1)
            piece.add(
                book_row(kit, length, free),
                (-width / 2 + thick + 0.01, -depth / 2 + 0.02, z + thick),
            )
        elif kit.chance(0.8):
            strew(
                kit,
                piece,
                Top(-width / 2 + thick, width / 2 - thick, -depth / 2, depth / 2, z + thick),
                16,
                _ON_SHELF,
                free,
            )
    return piece


def cupboard(kit: Kit) -> Piece:
    """Make a wardrobe or cupboard, 0.9-2.2 m high, with doors and handles."""
    piece, body = Piece(), kit.wood()
    doors = kit.integer(1, 4)
    width, height, depth = (
        doors * kit.uniform(0.4, 0.6),
        kit.uniform(0.9, 2.2),
        kit.uniform(0.4, 0.62),
    )
    piece.box((0, 0.01, height / 2), (width, depth - 0.02, height), body)
    front = body if kit.chance(0.6) else kit.plain(WALLS, 0.3)
    for index in range(doors):
        x = (index - (doors - 1) / 2) * width / doors
        piece.box(
            (x, -depth / 2 + 0.009, height / 2 + 0.03),
            (width / doors - 0.006, 0.02, height - 0.08),
            front,
        )
        grip = width / doors / 2 - 0.05
        side = grip if index % 2 == 0 else -grip
        z = height * 0.55 if height > 1.3 else height * 0.75
        piece.tube(
            [(x + side, -depth / 2 - 0.03, z - 0.07), (x + side, -depth / 2 - 0.03, z + 0.07)],
            0.006,
            kit.main_metal,
            6,
        )
        for end in (-0.06, 0.06):
            piece.box((x + side, -depth / 2 - 0.014, z + end), (0.01, 0.03, 0.01), kit.main_metal)
    if height < 1.5:
        strew(kit, piece, Top(-width / 2, width / 2, -depth / 2, depth / 2, height), 5)
    return piece


def chest(kit: Kit) -> Piece:
    """Make a chest of drawers or bedside table with things on it."""
    width, depth, height = kit.uniform(0.4, 1.2), kit.uniform(0.38, 0.5), kit.uniform(0.45, 1.0)
    piece = drawers(kit, width, depth, height, kit.wood())
    strew(kit, piece, Top(-width / 2, width / 2, -depth / 2, depth / 2, height), 6)
    return piece


def counter(kit: Kit) -> Piece:
    """Make a kitchen counter, 0.9 m high, with sink or hob, and at times wall cupboards."""
    piece, front, units = Piece(), kit.plain(WALLS, 0.3), kit.integer(2, 5)
    top_material, width = kit.stone(), units * 0.6
    piece.box((0, 0.04, 0.05), (width, 0.5, 0.1), kit.plain(METALS))
    for index in range(units):
        x = (index - (units - 1) / 2) * 0.6
        unit = drawers(kit, 0.595, 0.58, 0.76, front)
        piece.add(unit, (x, 0, 0.1))
    piece.box((0, -0.01, 0.88), (width, 0.62, 0.04), top_material)
    hob_x = (kit.integer(0, units - 1) - (units - 1) / 2) * 0.6
    piece.box((hob_x, 0, 0.903), (0.56, 0.5, 0.008), kit.plain(((24, 24, 26),), 0.7))
    for dx, dy in ((-0.14, -0.11), (0.14, -0.11), (-0.14, 0.12), (0.14, 0.12)):
        piece.cylinder((hob_x + dx, dy, 0.905), 0.085, 0.006, kit.main_metal, 16)
    if kit.chance(0.6):
        steel = kit.plain(METALS, 0.8)
        piece.lathe(
            (hob_x - 0.14, -0.11, 0.911),
            [(0, 0), (0.09, 0), (0.09, 0), (0.1, 0.12), (0.095, 0.12), (0.085, 0.01), (0, 0.01)],
            steel,
        )
        piece.tube([(hob_x - 0.14, -0.21, 1.01), (hob_x - 0.1, -0.36, 1.03)], 0.01, steel, 6)
    free = [x for x in (-width / 4, width / 4) if abs(x - hob_x) > 0.5] or [0.0]
    if abs(free[0] - hob_x) > 0.5:
        strew(
            kit,
            piece,
            Top(free[0] - 0.25, free[0] + 0.25, -0.3, 0.28, 0.9),
            14,
            (mug, bottle, bowl, plate, can, carton),
            0.45,
        )
    if kit.chance(0.6):
        for index in range(units):
            x = (index - (units - 1) / 2) * 0.6
            piece.box((x, 0.11, 1.78), (0.594, 0.35, 0.7), front)
            piece.box((x + 0.22, -0.075, 1.5), (0.012, 0.025, 0.12), kit.main_metal)
    return piece


def fridge(kit: Kit) -> Piece:
    """Make a refrigerator, 0.6 m wide and 1.45-1.9 m high."""
    piece, paint = Piece(), kit.plain(((240, 240, 240), *METALS), 0.5)
    height = kit.uniform(1.45, 1.9)
    split = height * 0.35
    piece.box((0, 0.03, height / 2), (0.6, 0.58, height), paint)
    for low, high in ((0.04, split), (split + 0.012, height)):
        piece.box((0, -0.29, (low + high) / 2), (0.594, 0.05, high - low), paint)
        piece.box(
            (0.25, -0.335, (low + high) / 2),
            (0.02, 0.03, min(0.4, 0.6 * (high - low))),
            kit.main_metal,
        )
    for _ in range(kit.integer(0, 4)):
        side = kit.uniform(0.06, 0.2)
        piece.box(
            (kit.uniform(-0.18, 0.12), -0.316, kit.uniform(0.9, 1.35)),
            (side, 0.002, side * 1.2),
            kit.picture(side, side * 1.2),
        )
    return piece


def floor_lamp(kit: Kit) -> Piece:
    """Make a floor lamp, 1.4-1.8 m high, with a shade that glows."""
    piece, metal, height = Piece(), kit.metal(), kit.uniform(1.4, 1.8)
    piece.cylinder((0, 0, 0), 0.14, 0.025, metal, 20)
    piece.cylinder((0, 0, 0.02), 0.011, height - 0.1, metal, 8)
    shade = kit.material('plain', kit.color(WALLS), emission=kit.uniform(0.3, 1.5))
    piece.lathe((0, 0, height - 0.26), [(0.2, 0), (kit.uniform(0.1, 0.19), 0.26)], shade, 20)
    return piece


def floor_plant(kit: Kit) -> Piece:
    """Make a plant in a pot, 0.7-1.7 m high."""
    return potted_plant(kit, kit.uniform(0.7, 1.7))


def bin_(kit: Kit) -> Piece:
    """Make a waste bin, 0.25-0.65 m high."""
    piece, height = Piece(), kit.uniform(0.25, 0.6)
    radius = 0.06 + height * kit.uniform(0.15, 0.27)
    piece.lathe(
        (0, 0, 0),
        [
            (0, 0),
            (0.8 * radius, 0),
            (0.8 * radius, 0),
            (radius, height),
            (radius - 0.006, height),
            (0.78 * radius, 0.02),
            (0, 0.02),
        ],
        kit.plain(METALS + BRIGHT, 0.3),
        18,
    )
    return piece


def cartons(kit: Kit) -> Piece:
    """Make a stack of moving boxes, each 0.25-0.6 m a side."""
    piece, z = Piece(), 0.0
    for _ in range(kit.integer(1, 4)):
        size = (kit.uniform(0.3, 0.6), kit.uniform(0.25, 0.45), kit.uniform(0.2, 0.4))
        one = Piece()
        one.box((0, 0, size[2] / 2), size, kit.carton())
        one.box(
            (0, 0, size[2] / 2),
            (0.05, size[1] + 0.002, size[2] + 0.002),
            kit.plain(((196, 170, 120),)),
        )
        piece.add(
            one,
            (kit.uniform(-0.03, 0.03), kit.uniform(-0.03, 0.03), z),
            yaw=kit.uniform(-0.25, 0.25),
        )
        z += size[2]
    return piece


def column(kit: Kit) -> Piece:
    """Make a free-standing figure of a person's size: feet, coat, shoulders and head."""
    piece, coat, tall = Piece(), kit.fabric(), kit.uniform(1.55, 1.9)
    for x in (-0.09, 0.09):
        piece.cylinder((x, 0, 0), 0.07, 0.47 * tall, kit.plain(METALS, 0), 12, 0.085)
        piece.tube(
            [
                (2.4 * x, 0, 0.8 * tall),
                (2.9 * x, -0.02, 0.62 * tall),
                (2.7 * x, -0.08, 0.46 * tall),
            ],
            0.045,
            coat,
            10,
        )
    piece.ball((0, 0, 0.65 * tall), (0.21, 0.13, 0.2 * tall), coat, 20, power=0.7)
    piece.cylinder((0, 0, 0.82 * tall), 0.055, 0.07 * tall, kit.plain(((210, 170, 140),)), 12)
    piece.ball(
        (0, 0, 0.93 * tall),
        (0.08, 0.1, 0.07 * tall),
        kit.plain(((225, 185, 155), (150, 105, 75), (90, 62, 46))),
        16,
    )
    return piece


def ladder(kit: Kit) -> Piece:
    """Make a step ladder, 1.2-2 m high, standing open."""
    piece, metal, height = Piece(), kit.metal(), kit.uniform(1.2, 2.0)
    spread = 0.22 * height
    for x in (-0.22, 0.22):
        piece.tube([(x, -spread, 0), (0.75 * x, 0, height)], 0.018, metal, 6)
        piece.tube([(x, spread, 0), (0.75 * x, 0.02, height)], 0.014, metal, 6)
    for rung in np.arange(0.25, height, 0.26).tolist():
        share = rung / height
        piece.box((0, -spread * (1 - share), rung), (0.44 - 0.11 * share, 0.08, 0.025), metal)
    return piece


def railing(kit: Kit) -> Piece:
    """Make a railing, 0.9-1.05 m high, with thin upright bars."""
    piece, metal, height = Piece(), kit.metal(), kit.uniform(0.9, 1.05)
    length, gap = kit.uniform(1.0, 2.4), kit.uniform(0.09, 0.13)
    for z in (0.1, height):
        piece.box((0, 0, z - 0.02), (length, 0.045, 0.035), kit.main_wood if z > 0.5 else metal)
    radius = kit.uniform(0.006, 0.014)
    for x in np.arange(-length / 2 + 0.02, length / 2, gap).tolist():
        piece.cylinder((x, 0, 0.09), radius, height - 0.12, metal, 8)
    for x in (-length / 2, length / 2):
        piece.box((x, 0, height / 2), (0.05, 0.05, height), metal)
    return piece


def bicycle(kit: Kit) -> Piece:
    """Make a bicycle on its stand, 1.7 m long along x."""
    piece, paint, rubber = Piece(), kit.plain(gloss=0.5), kit.plain(((26, 26, 28),))
    angle = np.linspace(0, 2 * math.pi, 33)
    for x in (-0.52, 0.52):
        wheel = np.stack([x + 0.33 * np.cos(angle), 0 * angle, 0.345 + 0.33 * np.sin(angle)], -1)
        piece.tube(wheel, 0.016, rubber, 8)
        for turn in np.arange(8) * math.pi / 8:
            dx, dz = 0.32 * math.cos(turn), 0.32 * math.sin(turn)
            piece.tube(
                [(x - dx, 0, 0.345 - dz), (x + dx, 0, 0.345 + dz)], 0.0015, kit.main_metal, 4
            )
    crank, saddle, head = (-0.08, 0, 0.28), (-0.22, 0, 0.85), (0.36, 0, 0.82)
    rear, front, joint = (-0.52, 0, 0.345), (0.52, 0, 0.345), (-0.2, 0, 0.78)
    for a, b in (
        (crank, saddle),
        (crank, head),
        (joint, head),
        (crank, rear),
        (joint, rear),
        (head, front),
        (head, (0.32, 0, 0.98)),
    ):
        piece.tube([a, b], 0.014, paint, 8)
    piece.tube(
        [(0.32, -0.28, 0.98), (0.36, -0.1, 1.0), (0.36, 0.1, 1.0), (0.32, 0.28, 0.98)],
        0.012,
        kit.main_metal,
        8,
    )
    piece.ball((-0.23, 0, 0.89), (0.13, 0.07, 0.03), rubber, 12)
    return piece


def clothes_rack(kit: Kit) -> Piece:
    """Make a clothes rack, 1.5-1.7 m high, with hanging cloth."""
    piece, metal, height = Piece(), kit.metal(), kit.uniform(1.5, 1.7)
    length = kit.uniform(0.8, 1.4)
    for x in (-length / 2, length / 2):
        piece.tube([(x, 0, 0.03), (x, 0, height)], 0.014, metal)
        piece.tube([(x, -0.22, 0.02), (x, 0.22, 0.02)], 0.014, metal)
    piece.tube([(-length / 2, 0, height), (length / 2, 0, height)], 0.014, metal)
    for x in np.arange(-length / 2 + 0.12, length / 2 - 0.1, kit.uniform(0.1, 0.25)).tolist():
        drop, half = kit.uniform(0.6, 1.05), kit.uniform(0.18, 0.24)
        rows, across = np.linspace(0, 1, 6)[:, None], np.linspace(-1, 1, 9)[None]
        wave = 0.03 * rows * np.sin(across * kit.uniform(4, 9) + kit.uniform(0, 6))
        points = np.stack(
            np.broadcast_arrays(
                x + wave,
                across * half * (0.7 + 0.3 * rows),
                height - 0.06 - drop * rows - 0.1 * across**2 * (1 - rows),
            ),
            -1,
        )
        piece.sheet(points, kit.fabric())
    return piece


def crate(kit: Kit) -> Piece:
    """Make a crate or basket on the floor with things in it."""
    piece, wood = Piece(), kit.wood()
    width, depth, height = kit.uniform(0.3, 0.5), kit.uniform(0.25, 0.4), kit.uniform(0.2, 0.35)
    piece.box((0, 0, 0.01), (width, depth, 0.02), wood)
    for z in np.arange(0.05, height, 0.08):
        for y in (-depth / 2, depth / 2):
            piece.box((0, y, float(z)), (width, 0.012, 0.055), wood)
        for x in (-width / 2, width / 2):
            piece.box((x, 0, float(z)), (0.012, depth, 0.055), wood)
    strew(kit, piece, Top(-width / 2, width / 2, -depth / 2, depth / 2, 0.02), 30, ON_TABLE)
    return piece
