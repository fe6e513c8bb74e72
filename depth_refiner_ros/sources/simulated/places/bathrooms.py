# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bathroom: tiles, toilet, basin below a mirror, a bath tub or a shower."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms import structures
from depth_refiner_ros.sources.simulated.rooms.clutter import strew
from depth_refiner_ros.sources.simulated.rooms.materials import linear
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Point, Top
from depth_refiner_ros.sources.simulated.rooms.small_things import bottle, can, mug
import numpy as np


class _Tiled(PlaceKit):
    """A kit whose walls and floors are mostly tiles."""

    def wall(self) -> int:
        return self._tiles() if self.chance(0.7) else super().wall()

    def floor(self) -> int:
        return self._tiles() if self.chance(0.8) else super().floor()

    def _tiles(self) -> int:
        shade = linear(self.rng.uniform(120, 245) + self.rng.normal(0, 8, 3))
        width, joint = self.uniform(0.1, 0.6), np.float32(self.uniform(0.5, 1.1))
        return self.material(
            'tiles',
            shade,
            shade * joint,
            period_u=width,
            period_v=width * float(self.rng.choice([0.5, 1.0, 1.0])),
            share=self.uniform(0.008, 0.025),
            variation=self.uniform(0, 0.25),
            gloss=self.uniform(0.2, 0.7),
        )


def bathroom(kit: PlaceKit) -> Site:
    """Build a bathroom of 1.6-3 x 2.2-4 m."""
    tiled = _Tiled(kit.rng)
    site = open_site(tiled, kit.uniform(1.6, 3), kit.uniform(2.2, 4), kit.uniform(2.3, 2.8))
    site.line([_tub(tiled) if kit.chance(0.55) else _shower(tiled)], 1)
    site.line([_basin(tiled)], 1)
    site.line([_toilet(tiled)], 1)
    site.line([storage.chest(tiled), storage.bin_(tiled), storage.cupboard(tiled)], 2)
    site.hang([_towels(tiled), _towels(tiled), structures.wall_shelf(tiled)], 3)
    site.stand([storage.bin_(tiled), storage.crate(tiled)], 1)
    return site


def _china(kit: PlaceKit) -> int:
    return kit.plain(((244, 244, 242), (236, 234, 228)), 0.6)


def _toilet(kit: PlaceKit) -> Piece:
    """Make a toilet, 0.42 m to the seat, with its cistern."""
    piece, white = Piece(), _china(kit)
    piece.ball((0, -0.12, 0.2), (0.13, 0.24, 0.2), white, 16, 0.6)
    piece.ball((0, -0.14, 0.36), (0.19, 0.26, 0.06), white, 18, 0.7)
    lid = Piece()
    lid.ball((0, -0.22, 0), (0.18, 0.23, 0.018), white, 18, 0.7)
    piece.add(lid, (0, 0.08, 0.43), roll=-1.45 if kit.chance(0.3) else 0.0)
    piece.box((0, 0.22, 0.6), (0.36, 0.16, 0.4), white)
    piece.cylinder((0, 0.22, 0.8), 0.02, 0.012, kit.main_metal, 12)
    return piece


def _basin(kit: PlaceKit) -> Piece:
    """Make a wash basin in a cabinet with a tap, small things and a mirror above."""
    piece, white, wood = Piece(), _china(kit), kit.wood()
    width = kit.uniform(0.5, 1.3)
    piece.box((0, 0.02, 0.42), (width, 0.44, 0.72), wood)
    piece.box((0, 0, 0.815), (width + 0.02, 0.5, 0.07), white)
    bowl = [(0.2, 0.0), (0.21, 0.035), (0.21, 0.035), (0.2, 0.035), (0.18, 0.01), (0.0, 0.004)]
    piece.lathe((0, -0.04, 0.851), bowl, white, 24)
    tap: list[Point] = [(0, 0.19, 0.85), (0, 0.19, 1.0), (0, 0.1, 1.03), (0, 0.06, 0.99)]
    piece.tube(tap, 0.013, kit.metal(), 8)
    for x0, x1 in ((-width / 2, -0.22), (0.22, width / 2)):
        if x1 - x0 > 0.12:
            strew(kit, piece, Top(x0, x1, -0.2, 0.22, 0.85), 30, (bottle, can, mug), 0.4)
    glass = kit.material(
        'cloud',
        linear((150, 156, 160)),
        linear((90, 96, 100)),
        period_u=0.7,
        period_v=0.5,
        gloss=0.8,
    )
    piece.box((0, 0.24, 1.5), (width * 0.9, 0.02, kit.uniform(0.6, 0.9)), glass)
    return piece


def _tub(kit: PlaceKit) -> Piece:
    """Make a bath tub of 1.5-1.8 x 0.75 m."""
    piece, white = Piece(), _china(kit)
    length, high = kit.uniform(1.5, 1.8), kit.uniform(0.5, 0.6)
    piece.box((0, 0, 0.08), (length, 0.75, 0.16), white)
    for y in (-0.345, 0.345):
        piece.box((0, y, high / 2), (length, 0.06, high), white)
    for x in (-length / 2 + 0.04, length / 2 - 0.04):
        piece.box((x, 0, high / 2), (0.08, 0.75, high), white)
    end = length / 2 - 0.04
    tap: list[Point] = [(end, 0, high), (end, 0, high + 0.14), (end - 0.16, 0, high + 0.12)]
    piece.tube(tap, 0.015, kit.metal(), 8)
    return piece


def _shower(kit: PlaceKit) -> Piece:
    """Make a shower tray with a wall of bars and a curtain."""
    piece, steel = Piece(), kit.metal()
    side = kit.uniform(0.8, 1.0)
    piece.box((0, 0, 0.05), (side, side, 0.1), _china(kit))
    rear = side / 2 - 0.03
    piece.tube([(0, rear, 0.95), (0, rear, 2.0), (0, side / 4, 2.05)], 0.012, steel)
    piece.cylinder((0, side / 4, 2.02), 0.09, 0.02, steel, 16)
    rows, across = np.linspace(0.12, 1.95, 4)[:, None], np.linspace(-0.5, 0.2, 36)[None] * side
    folds = -side / 2 + 0.03 * np.sin(across * kit.uniform(40, 70))
    piece.sheet(np.stack(np.broadcast_arrays(across, folds, rows[::-1]), -1), kit.fabric())
    piece.tube([(-side / 2, -side / 2, 1.97), (side / 2, -side / 2, 1.97)], 0.012, steel)
    return piece


def _towels(kit: PlaceKit) -> Piece:
    """Make a towel on a rail."""
    piece, half, high = Piece(), kit.uniform(0.2, 0.35), kit.uniform(1.1, 1.5)
    piece.tube([(-half, -0.07, high), (half, -0.07, high)], 0.009, kit.metal(), 8)
    for x in (-half, half):
        piece.box((x, -0.035, high), (0.02, 0.07, 0.02), kit.main_metal)
    around = np.linspace(0, math.pi, 7)
    y = np.concatenate([[-0.09], -0.07 - 0.02 * np.cos(around), [-0.05]])
    z = np.concatenate([[high - 0.5], high + 0.012 + 0.02 * np.sin(around), [high - 0.4]])
    across = np.linspace(-half * 0.8, half * 0.7, 8)[None]
    piece.sheet(np.stack(np.broadcast_arrays(across, y[:, None], z[:, None]), -1), kit.fabric())
    return piece
