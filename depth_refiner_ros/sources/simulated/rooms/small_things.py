# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Things that stand on furniture, in true sizes."""

import math

from depth_refiner_ros.sources.simulated.rooms.materials import BRIGHT, Kit, METALS, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def mug(kit: Kit) -> Piece:
    """Make a mug with a handle, 8-11 cm high."""
    piece, glaze = Piece(), kit.plain(gloss=0.5)
    radius, height = kit.uniform(0.035, 0.045), kit.uniform(0.08, 0.11)
    inner = radius - 0.004
    piece.lathe(
        (0, 0, 0),
        [
            (0, 0),
            (radius, 0),
            (radius, 0),
            (radius, height),
            (radius, height),
            (inner, height),
            (inner, height),
            (inner, 0.01),
            (0, 0.01),
        ],
        glaze,
    )
    angle = np.linspace(-1.3, 1.3, 7)
    piece.tube(
        np.stack(
            [radius + 0.025 * np.cos(angle), 0 * angle, height / 2 + 0.03 * np.sin(angle)], -1
        ),
        0.005,
        glaze,
        6,
    )
    return piece


def bottle(kit: Kit) -> Piece:
    """Make a bottle, 20-33 cm high."""
    piece, glass = Piece(), kit.plain(gloss=0.7)
    radius, height = kit.uniform(0.03, 0.045), kit.uniform(0.2, 0.33)
    neck = kit.uniform(0.011, 0.016)
    piece.lathe(
        (0, 0, 0),
        [
            (0, 0),
            (radius, 0),
            (radius, 0),
            (radius, 0.6 * height),
            (neck * 1.4, 0.75 * height),
            (neck, 0.8 * height),
            (neck, height),
            (neck, height),
            (0, height),
        ],
        glass,
    )
    piece.cylinder(
        (0, 0, 0.2 * height), radius + 0.0005, 0.25 * height, kit.picture(0.2, 0.25 * height)
    )
    return piece


def bowl(kit: Kit) -> Piece:
    """Make a bowl, 14-30 cm wide, at times with fruit."""
    piece, glaze = Piece(), kit.plain(gloss=0.4)
    radius, height = kit.uniform(0.07, 0.15), kit.uniform(0.05, 0.1)
    arc = [(radius * math.sin(a), height * (1 - math.cos(a))) for a in np.linspace(0.4, 1.57, 6)]
    inner = [(max(r - 0.006, 0), h + 0.004) for r, h in reversed(arc)]
    piece.lathe((0, 0, 0), [(0, 0), *arc, *inner, (0, 0.008)], glaze)
    if kit.chance(0.5):
        for _ in range(kit.integer(2, 6)):
            size = kit.uniform(0.03, 0.042)
            reach = kit.uniform(0, 0.5) * radius
            turn = kit.uniform(0, 6.28)
            piece.ball(
                (reach * math.cos(turn), reach * math.sin(turn), height * 0.4 + size),
                (size, size, size * kit.uniform(0.9, 1.2)),
                kit.plain(),
                12,
            )
    return piece


def plate(kit: Kit) -> Piece:
    """Make a plate, 18-28 cm wide."""
    piece, radius = Piece(), kit.uniform(0.09, 0.14)
    piece.lathe(
        (0, 0, 0),
        [
            (0, 0),
            (0.6 * radius, 0),
            (radius, 0.02),
            (radius, 0.024),
            (0.6 * radius, 0.006),
            (0, 0.006),
        ],
        kit.plain(WALLS, 0.5),
        20,
    )
    return piece


def can(kit: Kit) -> Piece:
    """Make a tin or jar, 8-18 cm high."""
    piece, radius, height = Piece(), kit.uniform(0.03, 0.055), kit.uniform(0.08, 0.18)
    piece.cylinder((0, 0, 0), radius, height, kit.metal())
    piece.cylinder((0, 0, 0.006), radius + 0.0006, height - 0.02, kit.picture(0.25, height))
    return piece


def vase(kit: Kit) -> Piece:
    """Make a vase, 15-35 cm high, at times with flowers."""
    piece, height = Piece(), kit.uniform(0.15, 0.35)
    steps = np.linspace(0, 1, 9)
    phase, swing = kit.uniform(0, 3), kit.uniform(0.2, 0.45)
    radius = 0.055 * (1 + swing * np.sin(5 * steps + phase))
    outer = list(zip(radius.tolist(), (steps * height).tolist()))
    piece.lathe(
        (0, 0, 0),
        [(0, 0), *outer, (outer[-1][0] - 0.005, height), (0.01, height / 2)],
        kit.plain(gloss=0.4),
    )
    if kit.chance(0.6):
        stem_green, bloom = kit.plain(((60, 110, 50),)), kit.plain()
        for _ in range(kit.integer(2, 6)):
            turn, lean, tall = kit.uniform(0, 6.28), kit.uniform(0.02, 0.12), kit.uniform(0.1, 0.3)
            tip = (lean * math.cos(turn), lean * math.sin(turn), height + tall)
            piece.tube(
                [(0, 0, height * 0.6), (tip[0] / 3, tip[1] / 3, height + tall / 2), tip],
                0.0025,
                stem_green,
                5,
            )
            piece.ball(tip, (0.022, 0.022, 0.018), bloom, 10)
    return piece


def books(kit: Kit) -> Piece:
    """Make a low pile of lying books."""
    piece, z = Piece(), 0.0
    for _ in range(kit.integer(1, 6)):
        width, depth = kit.uniform(0.12, 0.22), kit.uniform(0.18, 0.28)
        thick = kit.uniform(0.012, 0.045)
        one = Piece()
        cover = kit.book()
        one.box((0, 0, thick / 2), (width, depth, thick), cover)
        one.box(
            (0.003, 0, thick / 2),
            (width, depth - 0.006, thick - 0.006),
            kit.plain(((235, 228, 210),), 0),
        )
        piece.add(
            one,
            (kit.uniform(-0.02, 0.02), kit.uniform(-0.02, 0.02), z),
            yaw=kit.uniform(-0.3, 0.3),
        )
        z += thick
    return piece


def book_row(kit: Kit, length: float, tallest: float) -> Piece:
    """Make standing books along x, filling up to ``length``; their backs face -y."""
    piece, covers = Piece(), [kit.book() for _ in range(6)]
    x = 0.0
    while True:
        thick = kit.uniform(0.012, 0.05)
        if x + thick > length:
            break
        height = min(kit.uniform(0.17, 0.31), tallest)
        depth = kit.uniform(0.13, 0.2)
        piece.box(
            (x + thick / 2, depth / 2, height / 2),
            (thick * 0.96, depth, height),
            covers[kit.integer(0, 5)],
        )
        x += thick
        if kit.chance(0.06):
            x += kit.uniform(0.02, 0.1)
    if not piece.meshes:
        piece.box((length / 2, 0.08, 0.1), (0.8 * length, 0.16, min(0.2, tallest)), covers[0])
    return piece


def carton(kit: Kit) -> Piece:
    """Make a package, 5-30 cm a side."""
    piece = Piece()
    size = (kit.uniform(0.05, 0.3), kit.uniform(0.05, 0.25), kit.uniform(0.04, 0.3))
    piece.box((0, 0, size[2] / 2), size, kit.carton())
    return piece


def ball(kit: Kit) -> Piece:
    """Make a ball, 6-24 cm wide."""
    piece, radius = Piece(), kit.uniform(0.03, 0.12)
    pattern = kit.material(
        'stripes', kit.color(BRIGHT), kit.color(BRIGHT), period_u=radius, gloss=0.3
    )
    piece.ball((0, 0, radius), (radius, radius, radius), pattern, 24)
    return piece


def papers(kit: Kit) -> Piece:
    """Make one to three printed sheets of A4."""
    piece = Piece()
    for index in range(kit.integer(1, 3)):
        sheet = Piece()
        sheet.box((0, 0, 0.0008), (0.21, 0.297, 0.0016), kit.paper(0.21, 0.297))
        piece.add(
            sheet,
            (kit.uniform(-0.06, 0.06), kit.uniform(-0.06, 0.06), 0.0016 * index),
            yaw=kit.uniform(-0.8, 0.8),
        )
    return piece


def monitor(kit: Kit) -> Piece:
    """Make a computer monitor, 0.48-0.75 m wide, on its foot."""
    piece, shell = Piece(), kit.plain(METALS, 0.3)
    width = kit.uniform(0.48, 0.75)
    height, low = width * 0.58, kit.uniform(0.09, 0.16)
    piece.box((0, 0, low + height / 2), (width, 0.03, height), shell)
    glow = kit.uniform(0.4, 1.5) if kit.chance(0.7) else 0.02
    piece.box(
        (0, -0.0155, low + height / 2),
        (width - 0.03, 0.002, height - 0.03),
        kit.picture(width - 0.03, height - 0.03, emission=glow),
    )
    piece.box((0, 0.03, low / 2 + 0.05), (0.06, 0.02, low + 0.1), shell)
    piece.box((0, 0.02, 0.008), (0.24, 0.18, 0.016), shell)
    return piece


def keyboard(kit: Kit) -> Piece:
    """Make a keyboard with rows of keys."""
    piece = Piece()
    keys = kit.material(
        'tiles',
        kit.color(METALS),
        kit.color(METALS),
        period_u=0.019,
        period_v=0.019,
        share=0.16,
        variation=0.1,
    )
    piece.box((0, 0, 0.009), (0.44, 0.13, 0.018), kit.plain(METALS))
    for row in range(5):
        piece.box((0, -0.045 + row * 0.0225, 0.021), (0.42, 0.018, 0.008), keys)
    return piece


def laptop(kit: Kit) -> Piece:
    """Make an open laptop."""
    piece, shell, lid = Piece(), kit.metal(), Piece()
    piece.box((0, 0, 0.009), (0.33, 0.23, 0.018), shell)
    keys = kit.material(
        'tiles', kit.color(METALS), kit.color(METALS), period_u=0.018, period_v=0.018, share=0.16
    )
    piece.box((0, 0.03, 0.0185), (0.29, 0.1, 0.002), keys)
    lid.box((0, 0, 0.11), (0.33, 0.008, 0.22), shell)
    lid.box((0, -0.0045, 0.11), (0.31, 0.002, 0.195), kit.picture(0.31, 0.195, emission=0.8))
    piece.add(lid, (0, 0.115, 0.015), roll=-kit.uniform(0.1, 0.5))
    return piece


def desk_lamp(kit: Kit) -> Piece:
    """Make a desk lamp with a bent arm, 0.4-0.55 m high."""
    piece, metal, tall = Piece(), kit.metal(), kit.uniform(0.38, 0.5)
    piece.cylinder((0, 0, 0), 0.08, 0.018, metal)
    piece.tube(
        [(0, 0, 0.01), (0, 0.06, tall * 0.6), (0, 0.02, tall), (0, -0.14, tall + 0.03)],
        0.007,
        metal,
        6,
    )
    piece.lathe((0, -0.16, tall - 0.06), [(0.07, 0), (0.03, 0.08), (0.0, 0.1)], metal)
    return piece


def cushion(kit: Kit) -> Piece:
    """Make a cushion, 0.35-0.5 m wide, standing and leaning back."""
    piece, side = Piece(), kit.uniform(0.35, 0.5)
    one = Piece()
    one.ball((0, 0, side / 2), (side / 2, 0.07, side / 2), kit.fabric(), 16, power=0.55)
    piece.add(one, roll=-0.25)
    return piece


def potted_plant(kit: Kit, height: float | None = None) -> Piece:
    """Make a plant with thin stems and bent leaves in a pot."""
    tall = kit.uniform(0.2, 0.45) if height is None else height
    piece, pot = Piece(), 0.14 * tall + 0.03
    piece.lathe(
        (0, 0, 0),
        [
            (0, 0),
            (0.75 * pot, 0),
            (0.75 * pot, 0),
            (pot, 1.5 * pot),
            (pot, 1.5 * pot),
            (0.9 * pot, 1.5 * pot),
            (0.88 * pot, 1.3 * pot),
            (0, 1.3 * pot),
        ],
        kit.plain(((170, 100, 70), *WALLS), 0.1),
    )
    greens = [
        kit.material(
            'stripes',
            kit.color(((60, 110, 50), (40, 90, 50), (110, 140, 60))),
            kit.color(((80, 130, 60),)),
            period_u=0.02,
        )
        for _ in range(2)
    ]
    leaves, spread = kit.integer(7, 18), kit.uniform(0.25, 0.6) * tall
    for index in range(leaves):
        turn = index * 2.4 + kit.uniform(-0.4, 0.4)
        reach = spread * kit.uniform(0.4, 1.0)
        tip_z = 1.3 * pot + (tall - 1.3 * pot) * kit.uniform(0.4, 1.0)
        steps = np.linspace(0, 1, 6)[:, None]
        line = np.concatenate(
            [
                reach * steps**1.5 * math.cos(turn),
                reach * steps**1.5 * math.sin(turn),
                1.3 * pot + (tip_z - 1.3 * pot) * (1.6 * steps - 0.6 * steps**3),
            ],
            1,
        )
        piece.tube(line[:4], 0.003 + 0.002 * tall, greens[0], 5)
        width = kit.uniform(0.04, 0.1) * (0.5 + tall) * np.sin(np.pi * np.linspace(0.1, 1, 6))
        across = np.array([-math.sin(turn), math.cos(turn), 0.0])
        blade = line[2] + (line - line[0]) * 0.7
        sheet = blade[:, None] + (width[:, None] * np.array([-0.5, 0, 0.5]))[..., None] * across
        sheet[:, 1, 2] -= 0.3 * width
        piece.sheet(sheet, greens[index % 2])
    return piece
