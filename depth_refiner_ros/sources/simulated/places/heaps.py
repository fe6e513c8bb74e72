# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A table top that is full: sheets upon sheets, small things side by side, cables over all."""

from collections.abc import Callable
import math

from depth_refiner_ros.sources.simulated.rooms.clutter import strew
from depth_refiner_ros.sources.simulated.rooms.materials import BRIGHT, Kit, linear, METALS, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
from depth_refiner_ros.sources.simulated.rooms.small_things import ball, bottle, can, carton, mug
import numpy as np

_SHEET_M = 0.0008


def block(kit: Kit) -> Piece:
    """Make a box or a cylinder with sides of 2-13 cm: a package, a battery, a toy brick."""
    piece, (width, depth, height) = Piece(), kit.rng.uniform(0.02, 0.13, 3).tolist()
    body = kit.carton() if kit.chance(0.4) else kit.plain(gloss=kit.uniform(0, 0.6))
    if kit.chance(0.3):
        piece.cylinder((0, 0, 0), width / 2, height, body)
    else:
        piece.box((0, 0, height / 2), (width, depth, height), body)
    return piece


def toy(kit: Kit) -> Piece:
    """Make a body on wheels with a cabin, 8-20 cm long."""
    piece, length = Piece(), kit.uniform(0.08, 0.2)
    width, wheel, paint = length * kit.uniform(0.4, 0.55), length * 0.12, kit.plain(BRIGHT, 0.6)
    body = length / 2, width / 2, length * 0.13
    piece.ball((0, 0, wheel + body[2]), body, paint, 14, power=kit.uniform(0.3, 0.8))
    cabin = length * kit.uniform(0.18, 0.3), width * 0.42, length * 0.15
    piece.ball((0, 0, wheel + 2.2 * body[2]), cabin, kit.plain(), 12, power=0.6)
    tyre = kit.plain(((25, 25, 28),), 0.2)
    for x in (-0.3 * length, 0.3 * length):
        piece.ball((x, 0, wheel), (wheel, width / 2, wheel), tyre, 12, power=0.7)
    return piece


def figure(kit: Kit) -> Piece:
    """Make a turned figure, 5-16 cm high."""
    piece, height = Piece(), kit.uniform(0.05, 0.16)
    steps = np.linspace(0, 1, 9)
    swell = 1 + kit.uniform(0.2, 0.6) * np.sin(kit.uniform(4, 9) * steps + kit.uniform(0, 6))
    radius = height * kit.uniform(0.15, 0.35) * swell
    outer = list(zip(radius.tolist(), (steps * height).tolist()))
    piece.lathe((0, 0, 0), [(0, 0), *outer, (0, height)], kit.plain(gloss=0.4))
    return piece


def tool(kit: Kit) -> Piece:
    """Make a tool that lies: a handle and a head, 10-28 cm long."""
    piece, length, thick = Piece(), kit.uniform(0.1, 0.28), kit.uniform(0.005, 0.014)
    grip, head = kit.plain(gloss=0.3), kit.plain(METALS, 0.6)
    piece.tube([(0, 0, thick), (0.6 * length, 0, thick)], thick, grip)
    piece.tube([(0.6 * length, 0, thick), (length, 0, thick)], 0.5 * thick, head)
    end = kit.uniform(0.5, 2.5) * thick
    piece.box((length, 0, thick), (2 * thick, 2 * end, 2 * thick), head)
    return piece


SMALL: tuple[Callable[[Kit], Piece], ...] = (
    block,
    block,
    block,
    toy,
    toy,
    figure,
    figure,
    tool,
    tool,
    mug,
    can,
    ball,
    bottle,
    carton,
)


def heap(kit: Kit, piece: Piece, top: Top) -> None:
    """Cover a top with sheets, 30-110 small things per square metre, and cables."""
    layers = int(kit.rng.poisson(kit.uniform(4, 22) * _area(top)))
    for layer in range(layers):
        _lay(kit, piece, top, top.z + layer * _SHEET_M)
    over = Top(top.x0, top.x1, top.y0, top.y1, top.z + layers * _SHEET_M)
    strew(kit, piece, over, kit.uniform(30, 110), SMALL)
    for _ in range(kit.integer(0, 4)):
        _cable(kit, piece, over)


def _area(top: Top) -> float:
    return (top.x1 - top.x0) * (top.y1 - top.y0)


def _lay(kit: Kit, piece: Piece, top: Top, z: float) -> None:
    """Lay a page, a print, a cloth or a checked board anywhere on a top."""
    width, depth = kit.uniform(0.08, 0.42), kit.uniform(0.08, 0.3)
    reach = math.hypot(width, depth) / 2
    if 2 * reach >= min(top.x1 - top.x0, top.y1 - top.y0):
        return
    sheet, cell = Piece(), kit.uniform(0.012, 0.05)
    kinds: tuple[Callable[[], int], ...] = (
        lambda: kit.paper(width, depth),
        lambda: kit.picture(width, depth),
        kit.fabric,
        lambda: kit.plain(WALLS),
        lambda: kit.material(
            'checker', linear((245, 245, 245)), linear((15, 15, 15)), period_u=cell, period_v=cell
        ),
    )
    sheet.box((0, 0, 0), (width, depth, _SHEET_M), kinds[kit.integer(0, len(kinds) - 1)]())
    x = kit.uniform(top.x0 + reach, top.x1 - reach)
    y = kit.uniform(top.y0 + reach, top.y1 - reach)
    piece.add(sheet, (x, y, z), yaw=kit.uniform(-math.pi, math.pi))


def _cable(kit: Kit, piece: Piece, top: Top) -> None:
    """Lead a cable across a top in bends."""
    steps = np.linspace(0, 1, 24)
    x = top.x0 + (top.x1 - top.x0) * (0.05 + 0.9 * steps)
    bend = np.sin(kit.uniform(3, 12) * steps + kit.uniform(0, 6)) * kit.uniform(0.05, 0.25)
    y = (top.y0 + top.y1) / 2 + (top.y1 - top.y0) * (kit.uniform(-0.2, 0.2) + bend)
    thick = kit.uniform(0.002, 0.005)
    path = np.stack([x, y, np.full(24, top.z + thick)], 1)
    piece.tube(path, thick, kit.plain(((20, 20, 22), (230, 230, 230), (180, 40, 40))), 6)
