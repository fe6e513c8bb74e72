# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The shell of a room and its fixtures: walls, doors, windows, pictures, lamps, cables."""

from depth_refiner_ros.sources.simulated.rooms.clutter import strew
from depth_refiner_ros.sources.simulated.rooms.materials import BRIGHT, Kit, linear, METALS, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
import numpy as np

_THICK_M = 0.1


def shell(kit: Kit, width: float, depth: float, height: float) -> Piece:
    """Make floor, ceiling, four walls and skirting of a room from (0, 0, 0) to its far corner."""
    piece, floor, wall = Piece(), kit.floor(), kit.wall()
    ceiling = kit.plain(((245, 245, 243), (235, 232, 226)), 0) if kit.chance(0.8) else kit.wood()
    piece.box((width / 2, depth / 2, -_THICK_M / 2), (width, depth, _THICK_M), floor)
    piece.box((width / 2, depth / 2, height + _THICK_M / 2), (width, depth, _THICK_M), ceiling)
    accent = kit.wall() if kit.chance(0.5) else wall
    skirting, rise = kit.plain(WALLS), kit.uniform(0.05, 0.12)
    for end, material in ((0.0, wall), (1.0, accent)):
        out = _THICK_M * (end - 0.5)
        piece.box((width * end + out, depth / 2, height / 2), (_THICK_M, depth, height), wall)
        piece.box((width / 2, depth * end + out, height / 2), (width, _THICK_M, height), material)
        inset = 0.006 * (1 - 2 * end)
        piece.box((width * end + inset, depth / 2, rise / 2), (0.012, depth, rise), skirting)
        piece.box((width / 2, depth * end + inset, rise / 2), (width, 0.012, rise), skirting)
    if kit.chance(0.25):
        _wainscot(kit, piece, width, depth)
    return piece


def _wainscot(kit: Kit, piece: Piece, width: float, depth: float) -> None:
    """Cover the walls up to about a metre with another material."""
    rise, material = kit.uniform(0.8, 1.2), kit.wall()
    for end in (0.0, 1.0):
        inset = 0.003 * (1 - 2 * end)
        piece.box((width * end + inset, depth / 2, rise / 2), (0.006, depth, rise), material)
        piece.box((width / 2, depth * end + inset, rise / 2), (width, 0.006, rise), material)


def pier(kit: Kit, height: float) -> Piece:
    """Make a chimney breast, pier or short partition that juts from the wall to the ceiling."""
    piece = Piece()
    slim = kit.chance(0.4)
    width, depth = (
        (0.12, kit.uniform(0.6, 1.6)) if slim else (kit.uniform(0.3, 1.4), kit.uniform(0.2, 0.45))
    )
    piece.box((0, -depth / 2, height / 2), (width, depth, height), kit.wall())
    piece.box((0, -depth / 2, 0.04), (width + 0.024, depth + 0.024, 0.08), kit.plain(WALLS))
    return piece


def _frame(
    piece: Piece, width: float, low: float, high: float, bar: float, out: float, material: int
) -> None:
    """Add a rectangular frame on the wall plane y = 0."""
    for x in (-width / 2 - bar / 2, width / 2 + bar / 2):
        piece.box((x, -out / 2, (low + high) / 2), (bar, out, high - low + 2 * bar), material)
    for z in (low - bar / 2, high + bar / 2):
        piece.box((0, -out / 2, z), (width, out, bar), material)


def door(kit: Kit) -> Piece:
    """Make a closed door, 2.0 m high and 0.75-0.95 m wide, in its frame."""
    piece, width = Piece(), kit.uniform(0.75, 0.95)
    leaf = kit.wood() if kit.chance(0.6) else kit.plain(WALLS, 0.2)
    trim = kit.plain(WALLS, 0.2)
    piece.box((0, -0.01, 1.0), (width, 0.02, 2.0), leaf)
    for x in (-width / 2 - 0.035, width / 2 + 0.035):
        piece.box((x, -0.02, 1.035), (0.07, 0.04, 2.07), trim)
    piece.box((0, -0.02, 2.035), (width, 0.04, 0.07), trim)
    if kit.chance(0.6):
        for low, high in ((0.15, 0.85), (1.0, 1.85)):
            _frame(piece, width - 0.3, low, high, 0.025, 0.032, leaf)
    side = (width / 2 - 0.07) * (1 if kit.chance(0.5) else -1)
    piece.tube(
        [(side, -0.02, 1.03), (side, -0.065, 1.03), (side * 0.7, -0.07, 1.03)],
        0.009,
        kit.metal(),
        8,
    )
    return piece


def window(kit: Kit, width: float, low: float, high: float, glow: float) -> Piece:
    """Make a window with a bright pane, frame, bars, sill and at times curtains."""
    piece, trim = Piece(), kit.plain(WALLS, 0.2)
    view = kit.material(
        'outside',
        linear((150, 190, 235)) if kit.chance(0.6) else linear((225, 228, 232)),
        linear((70, 90, 60)),
        extent=(width, high - low),
        share=kit.uniform(0, 0.35),
        emission=glow,
        grime=0.0,
    )
    piece.box((0, -0.004, (low + high) / 2), (width, 0.008, high - low), view)
    _frame(piece, width, low, high, 0.06, 0.045, trim)
    for x in np.linspace(-width / 2, width / 2, 2 + kit.integer(0, 2))[1:-1]:
        piece.box((float(x), -0.02, (low + high) / 2), (0.05, 0.04, high - low), trim)
    if kit.chance(0.3):
        piece.box((0, -0.02, low + 0.6 * (high - low)), (width, 0.04, 0.04), trim)
    piece.box((0, -0.09, low - 0.075), (width + 0.2, 0.18, 0.03), trim)
    if kit.chance(0.45):
        _curtains(kit, piece, width, high)
    elif kit.chance(0.4) and low > 0.7:
        _radiator(kit, piece, width, low)
    return piece


def _curtains(kit: Kit, piece: Piece, width: float, high: float) -> None:
    """Hang a wavy curtain on each side of a window."""
    cloth, rod = kit.fabric(), kit.metal()
    bottom, reach = kit.uniform(0.02, 0.5), kit.uniform(0.25, 0.5)
    across = np.linspace(0, 1, 40)[None]
    for side in (-1.0, 1.0):
        folds = 0.035 * np.sin(across * reach * kit.uniform(60, 90))
        points = np.stack(
            np.broadcast_arrays(
                side * (width / 2 + 0.15 - reach * across),
                -0.12 + folds,
                np.array([high + 0.12, bottom])[:, None],
            ),
            -1,
        )
        piece.sheet(points, cloth)
    piece.tube(
        [(-width / 2 - 0.3, -0.12, high + 0.14), (width / 2 + 0.3, -0.12, high + 0.14)], 0.014, rod
    )


def _radiator(kit: Kit, piece: Piece, width: float, low: float) -> None:
    """Put a ribbed radiator below a window."""
    paint, high = kit.plain(((240, 240, 238),), 0.2), min(low - 0.2, 0.62)
    for x in np.arange(-width / 2 + 0.05, width / 2 - 0.03, 0.05):
        piece.box((float(x), -0.09, (high + 0.12) / 2), (0.034, 0.09, high - 0.12), paint)
    for z in (0.17, high - 0.05):
        piece.box((0, -0.09, z), (width - 0.06, 0.05, 0.03), paint)


def picture(kit: Kit) -> Piece:
    """Make a framed picture or a bare poster; the centre is about 1.5 m high."""
    piece = Piece()
    width, height = kit.uniform(0.2, 1.1), kit.uniform(0.2, 0.9)
    low = kit.uniform(1.35, 1.7) - height / 2
    flat = kit.chance(0.4)
    thick = 0.003 if flat else 0.015
    face = kit.picture(width, height) if kit.chance(0.75) else kit.paper(width, height)
    piece.box((0, -thick / 2, low + height / 2), (width, thick, height), face)
    if not flat:
        _frame(piece, width, low, low + height, kit.uniform(0.015, 0.05), 0.025, kit.wood())
    return piece


def board(kit: Kit) -> Piece:
    """Make a pin board or white board, 1-2 m wide, with pinned papers."""
    piece, width = Piece(), kit.uniform(1.0, 2.0)
    ground = kit.plain(((245, 245, 245), (176, 138, 96), (40, 70, 56)), 0.3)
    piece.box((0, -0.008, 1.45), (width, 0.016, 0.95), ground)
    _frame(piece, width, 0.975, 1.925, 0.025, 0.025, kit.metal())
    for _ in range(kit.integer(0, 7)):
        w, h = (0.21, 0.297) if kit.chance(0.5) else (0.1, 0.1)
        face = kit.paper(w, h) if kit.chance(0.5) else kit.picture(w, h)
        piece.box(
            (kit.uniform(-width / 2 + 0.15, width / 2 - 0.15), -0.017, kit.uniform(1.15, 1.75)),
            (w, 0.002, h),
            face,
        )
    return piece


def clock(kit: Kit) -> Piece:
    """Make a round wall clock, 22-36 cm wide."""
    piece, disc, radius = Piece(), Piece(), kit.uniform(0.11, 0.18)
    disc.cylinder((0, 0, 0), radius, 0.03, kit.plain(), 24)
    disc.cylinder((0, 0, 0.03), radius * 0.9, 0.002, kit.plain(WALLS), 24)
    dark = kit.plain(((25, 25, 28),))
    disc.box((0, radius * 0.3, 0.034), (0.01, radius * 0.6, 0.002), dark)
    disc.box((radius * 0.2, 0, 0.034), (radius * 0.45, 0.012, 0.002), dark)
    piece.add(disc, (0, 0, 1.9), roll=np.pi / 2)
    return piece


def wall_shelf(kit: Kit) -> Piece:
    """Make a board on the wall at 1.3-1.7 m with small things."""
    piece, width, z = Piece(), kit.uniform(0.6, 1.3), kit.uniform(1.3, 1.7)
    piece.box((0, -0.12, z), (width, 0.24, 0.025), kit.wood())
    for x in (-width / 3, width / 3):
        piece.box((x, -0.1, z - 0.06), (0.02, 0.2, 0.1), kit.main_metal)
    strew(kit, piece, Top(-width / 2, width / 2, -0.24, 0, z + 0.0125), 25, room_above=0.5)
    return piece


def cable(kit: Kit, drop: float) -> Piece:
    """Make thin cables that hang from the ceiling (z = 0) by ``drop`` metres and sag."""
    piece, rubber = Piece(), kit.plain(METALS + BRIGHT, 0.2)
    steps = np.linspace(0, 1, 14)
    for _ in range(kit.integer(1, 3)):
        reach, turn = kit.uniform(0.1, 0.5), kit.uniform(0, 6.28)
        path = np.stack(
            [
                reach * np.cos(turn) * steps,
                reach * np.sin(turn) * steps,
                -drop * kit.uniform(0.5, 1) * np.sin(np.pi / 2 * steps) ** 1.5,
            ],
            -1,
        )
        piece.tube(path, kit.uniform(0.003, 0.008), rubber, 6)
    return piece


def ceiling_lamp(kit: Kit, drop: float, emission: float) -> Piece:
    """Make a lamp whose origin is on the ceiling; a drop of 0 gives a flat panel or disc."""
    piece = Piece()
    glow = kit.material('plain', linear((250, 246, 236)), emission=emission, grime=0.0)
    if drop == 0:
        if kit.chance(0.5):
            piece.box((0, 0, -0.02), (kit.uniform(0.3, 1.2), kit.uniform(0.15, 0.6), 0.04), glow)
        else:
            piece.cylinder((0, 0, -0.07), kit.uniform(0.12, 0.22), 0.07, glow, 20)
        return piece
    piece.tube([(0, 0, 0), (0, 0, -drop)], 0.004, kit.plain(METALS), 6)
    radius = kit.uniform(0.12, 0.25)
    if kit.chance(0.5):
        piece.ball((0, 0, -drop), (radius, radius, radius * 0.8), glow, 20)
    else:
        piece.lathe(
            (0, 0, -drop - 0.1),
            [(radius, 0), (0.4 * radius, 0.16), (0.01, 0.2)],
            kit.plain(gloss=0.3),
            20,
        )
        piece.ball((0, 0, -drop - 0.03), (0.045, 0.045, 0.05), glow, 12)
    return piece
