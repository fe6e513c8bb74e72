# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Houses of a street: a façade with rows of windows, doors, shop fronts, balconies, a roof."""

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.rooms import structures
from depth_refiner_ros.sources.simulated.rooms.materials import STONES, WALLS
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np

_DEEP_M = 9.0


def house(kit: PlaceKit, width: float) -> Piece:
    """
    Make a house of one to six floors; its front is the plane y = 0.

    :param width: of the front in metres
    """
    piece, floors, storey = Piece(), kit.integer(1, kit.integer(2, 6)), kit.uniform(2.8, 3.4)
    low = kit.uniform(0.2, 1.0)
    height = low + floors * storey
    wall = kit.wall()
    piece.box((0, _DEEP_M / 2, height / 2), (width, _DEEP_M, height), wall)
    plinth = kit.stone()
    piece.box((0, -0.02, low / 2), (width, 0.08, low), plinth)
    piece.box((0, -0.06, height), (width + 0.2, 0.5, 0.25), kit.plain(WALLS, 0))
    pane, balcony = _window(kit), _balcony(kit) if kit.chance(0.3) else None
    shop = _shop(kit, width) if kit.chance(0.25) else None
    door = structures.door(kit)
    if shop is not None:
        piece.add(shop, (0, 0, 0))
    else:
        piece.add(door, (width / 2 - kit.uniform(1, 2), -0.06, 0.0))
    count = max(1, int(width / kit.uniform(1.8, 3.2)))
    for floor in range(1 if shop is not None else 0, floors):
        for x in ((np.arange(count) + 0.5) / count * width - width / 2).tolist():
            if floor == 0 and x > width / 2 - 2.6:
                continue  # the door
            piece.add(pane, (x, 0, low + floor * storey + 0.75))
            if balcony is not None and floor:
                piece.add(balcony, (x, 0, low + floor * storey))
    if kit.chance(0.5):
        _roof(kit, piece, width, height)
    return piece


def _window(kit: PlaceKit) -> Piece:
    """Make a window 0.8-1.5 m wide with frame, bars and sill; the glass is dark and shines."""
    piece, trim = Piece(), kit.plain(WALLS, 0.1)
    width, height = kit.uniform(0.8, 1.5), kit.uniform(1.1, 1.7)
    glass = kit.material(
        'cloud',
        kit.color(((40, 48, 58), (70, 84, 98))),
        kit.color(((16, 18, 22),)),
        period_u=0.6,
        period_v=0.9,
        gloss=0.6,
    )
    piece.box((0, -0.005, height / 2), (width, 0.03, height), glass)
    for x in (-width / 2, 0, width / 2):
        piece.box((x, -0.03, height / 2), (0.07, 0.06, height + 0.07), trim)
    for z in (0, height * kit.uniform(0.5, 0.75), height):
        piece.box((0, -0.03, z), (width, 0.06, 0.07), trim)
    piece.box((0, -0.08, -0.06), (width + 0.2, 0.2, 0.05), trim)
    return piece


def _balcony(kit: PlaceKit) -> Piece:
    """Make a balcony with a barred rail."""
    piece, bars = Piece(), kit.metal()
    piece.box((0, -0.5, -0.08), (1.8, 1.0, 0.14), kit.plain(STONES, 0))
    for x in np.linspace(-0.88, 0.88, 13).tolist():
        piece.box((x, -0.98, 0.45), (0.02, 0.02, 0.9), bars)
    for x in (-0.88, 0.88):
        piece.box((x, -0.5, 0.9), (0.03, 1.0, 0.03), bars)
    piece.box((0, -0.98, 0.9), (1.8, 0.04, 0.04), bars)
    return piece


def _shop(kit: PlaceKit, width: float) -> Piece:
    """Make a shop front with large panes, a name above them and at times an awning."""
    piece = Piece()
    panes = max(1, round(width / 2.6))
    for index in range(panes):
        x = ((index + 0.5) / panes - 0.5) * width
        piece.box((x, -0.045, 1.35), (width / panes - 0.3, 0.03, 2.1), kit.picture(2.2, 2.1))
    piece.box((0, -0.05, 2.75), (width - 0.2, 0.1, 0.5), kit.paper(width, 0.5))
    if kit.chance(0.4):
        slope = np.array([[-0.05, 2.55], [-1.2, 2.2]])
        across = np.array([-width / 2 + 0.2, width / 2 - 0.2])[None]
        points = np.broadcast_arrays(across, slope[:, :1], slope[:, 1:])
        piece.sheet(np.stack(points, -1), kit.fabric())
    return piece


def _roof(kit: PlaceKit, piece: Piece, width: float, height: float) -> None:
    """Add a gabled roof of tiles and a chimney."""
    rise = kit.uniform(1.5, 3.5)
    tiles = kit.material(
        'tiles',
        kit.color(((130, 70, 50), (90, 92, 98), (110, 80, 64))),
        kit.color(((50, 46, 44),)),
        period_u=0.25,
        period_v=0.35,
        share=0.06,
        variation=0.4,
    )
    across = np.linspace(-width / 2 - 0.1, width / 2 + 0.1, 2)[None]
    y = np.array([-0.4, _DEEP_M / 2, _DEEP_M + 0.4])[:, None]
    z = np.array([height, height + rise, height])[:, None]
    for part in (slice(0, 2), slice(1, 3)):
        piece.sheet(np.stack(np.broadcast_arrays(across, y[part], z[part]), -1), tiles)
    x = width * kit.uniform(-0.3, 0.3)
    piece.box((x, _DEEP_M / 2, height + rise), (0.5, 0.5, 1.6), kit.wall())
