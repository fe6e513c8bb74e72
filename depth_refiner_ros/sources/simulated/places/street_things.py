# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trees, hedges, lamp posts, signs and bollards in true sizes."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.rooms.materials import linear, METALS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def _leaves(kit: PlaceKit) -> int:
    """Return foliage: light and dark spots of a few centimetres."""
    shade = kit.one_of(((70, 100, 44), (96, 116, 52), (52, 84, 46), (60, 92, 40), (140, 120, 50)))
    green = linear(np.array(shade) * kit.uniform(0.7, 1.2))
    size = kit.uniform(0.05, 0.16)
    return kit.material(
        'speckle', green, green * np.float32(0.35), period_u=size, period_v=size, share=0.45
    )


def tree(kit: PlaceKit) -> Piece:
    """Make a tree, 4-11 m high: a fir, or a trunk with boughs and a crown of leaf clumps."""
    piece, tall = Piece(), kit.uniform(4, 11)
    brown = linear(np.array([90, 76, 62]) * kit.uniform(0.6, 1.3))
    bark, leaves = (
        kit.material('cloud', brown, brown * np.float32(0.5), period_v=0.6),
        _leaves(kit),
    )
    if kit.chance(0.2):
        piece.cylinder((0, 0, 0), 0.02 * tall, tall * 0.3, bark, 10)
        for low in np.linspace(0.15, 0.75, 6).tolist():
            wide = 0.26 * tall * (1.05 - low)
            piece.lathe(
                (0, 0, low * tall),
                [(0.2 * wide, 0.05), (wide, 0), (0.02, 0.27 * tall)],
                leaves,
                12,
            )
        return piece
    fork = tall * kit.uniform(0.25, 0.4)
    piece.cylinder((0, 0, 0), 0.022 * tall, fork * 1.2, bark, 10, 0.014 * tall)
    for index in range(kit.integer(26, 48)):
        turn, rise = 2.4 * index, math.sqrt(kit.uniform(0.02, 1))
        reach = 0.3 * tall * math.sin(math.pi * (0.25 + 0.65 * rise)) * kit.uniform(0.4, 1)
        centre = (
            reach * math.cos(turn),
            reach * math.sin(turn),
            fork + (tall - fork) * (0.1 + 0.8 * rise),
        )
        size = tall * kit.uniform(0.06, 0.13)
        piece.ball(centre, (size, size, size * kit.uniform(0.6, 0.9)), leaves, 10)
        if index % 3 == 0:
            piece.tube([(0, 0, fork), centre], 0.007 * tall, bark, 5)
    return piece


def hedge(kit: PlaceKit) -> Piece:
    """Make a hedge of 2.6 m length along x, or a low wall."""
    piece, tall = Piece(), kit.uniform(0.6, 1.7)
    if kit.chance(0.3):
        piece.box((0, 0, tall / 3), (2.9, 0.22, 2 * tall / 3), kit.wall())
        piece.box((0, 0, 2 * tall / 3), (2.9, 0.3, 0.06), kit.stone())
        return piece
    piece.ball((0, 0, tall / 2), (1.5, 0.35, tall / 2), _leaves(kit), 20, 0.35)
    return piece


def lamp_post(kit: PlaceKit) -> Piece:
    """Make a lamp post, 4-8 m high, whose arm reaches towards -x."""
    piece, metal, tall = Piece(), kit.plain(METALS, 0.3), kit.uniform(4, 8)
    piece.cylinder((0, 0, 0), 0.09, 0.9, metal, 12)
    piece.cylinder((0, 0, 0.9), 0.065, tall - 0.9, metal, 12, 0.045)
    piece.tube([(0, 0, tall), (-0.5, 0, tall + 0.15), (-1.3, 0, tall + 0.2)], 0.035, metal, 8)
    piece.ball((-1.5, 0, tall + 0.17), (0.35, 0.13, 0.07), metal, 12, 0.6)
    return piece


def sign(kit: PlaceKit) -> Piece:
    """Make a traffic sign on its pole, 2.2-2.8 m high."""
    piece, metal, tall = Piece(), kit.metal(), kit.uniform(2.2, 2.8)
    piece.cylinder((0, 0, 0), 0.03, tall, metal, 10)
    side = kit.uniform(0.4, 0.7)
    face = kit.plain(((200, 30, 30), (30, 80, 170), (240, 200, 40), (240, 240, 240)), 0.3)
    if kit.chance(0.5):
        disc = Piece()
        disc.cylinder((0, 0, 0.03), side / 2, 0.01, face, 24)
        disc.cylinder((0, 0, 0.04), side / 2 - 0.07, 0.004, kit.plain(((245, 245, 245),)), 24)
        piece.add(disc, (0, 0, tall - side / 2), roll=math.pi / 2)
    else:
        piece.box((0, -0.04, tall - side / 2), (side, 0.01, side), face)
        piece.box(
            (0, -0.046, tall - side / 2), (side * 0.6, 0.004, side * 0.5), kit.paper(0.4, 0.3)
        )
    return piece


def bollard(kit: PlaceKit) -> Piece:
    """Make a bollard, 0.8-1.1 m high."""
    piece, tall = Piece(), kit.uniform(0.8, 1.1)
    piece.cylinder((0, 0, 0), 0.07, tall, kit.plain(METALS, 0.2), 14)
    piece.ball((0, 0, tall), (0.075, 0.075, 0.06), kit.main_metal, 12)
    return piece
