# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A hall: a lobby with seats, or a canteen with rows of tables, between pillars."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top
import numpy as np


def hall(kit: PlaceKit) -> Site:
    """Build a hall of 6-13 x 9-22 m, 2.8-6 m high."""
    site = open_site(kit, kit.uniform(6, 13), kit.uniform(9, 22), kit.uniform(2.8, 6))
    _pillars(site)
    if kit.chance(0.5):
        _tables(site)
    else:
        groups = [_seats(kit) for _ in range(2)]
        site.stand(groups, kit.integer(5, 16))
        site.put(_reception(kit), site.sides[0] / 2, site.sides[1] - 1.6)
    against = [
        storage.shelf(kit),
        storage.cupboard(kit),
        furniture.sofa(kit),
        storage.cartons(kit),
    ]
    site.line(against, kit.integer(3, 12))
    pictures = [structures.picture(kit), structures.picture(kit), structures.board(kit)]
    site.hang(pictures, kit.integer(4, 12))
    loose = [storage.floor_plant(kit), storage.railing(kit), furniture.chair(kit)]
    site.stand(loose, kit.integer(5, 14))
    stand_about(site, 8)
    return site


def _pillars(site: Site) -> None:
    """Stand two rows of pillars, square or round."""
    kit, (width, depth, height) = site.kit, site.sides
    if not kit.chance(0.6):
        return
    piece, side, material = Piece(), kit.uniform(0.3, 0.6), kit.wall()
    if kit.chance(0.5):
        piece.box((0, 0, height / 2), (side, side, height), material)
    else:
        piece.cylinder((0, 0, 0), side / 2, height, material, 28)
    gap = kit.uniform(3.5, 6)
    for x in np.arange(gap / 2, width, gap).tolist():
        for y in np.arange(gap / 2, depth, gap).tolist():
            site.put(piece, x, y)


def _tables(site: Site) -> None:
    """Set tables with chairs around them in rows."""
    kit, (width, depth, _) = site.kit, site.sides
    tables = [_set_table(kit) for _ in range(3)]
    across, along = kit.uniform(2.4, 3.4), kit.uniform(2.6, 3.6)
    for x in np.arange(1.5, width - 1.2, across).tolist():
        for y in np.arange(1.5, depth - 1.2, along).tolist():
            if kit.chance(0.85):
                place = x + kit.uniform(-0.15, 0.15), y + kit.uniform(-0.15, 0.15)
                site.put(kit.one_of(tables), *place, kit.uniform(-0.15, 0.15))


def _set_table(kit: PlaceKit) -> Piece:
    """Make a table with two to six chairs."""
    piece, chair = furniture.table(kit, kit.uniform(4, 16)), furniture.chair(kit)
    top = piece.tops[0]
    for x in (top.x0 / 2, top.x1 / 2):
        for side in (-1, 1):
            if kit.chance(0.75):
                y = side * (max(top.y1, 0.38) + kit.uniform(0.05, 0.3))
                turned = (0 if side > 0 else math.pi) + kit.uniform(-0.4, 0.4)
                piece.add(chair, (x, y, 0), yaw=turned)
    return piece


def _seats(kit: PlaceKit) -> Piece:
    """Make two sofas that face each other across a low table."""
    piece, sofa = Piece(), furniture.sofa(kit)
    reach = kit.uniform(1.1, 1.5)
    piece.add(sofa, (0, reach, 0))
    if kit.chance(0.7):
        piece.add(sofa, (0, -reach, 0), yaw=math.pi)
    piece.add(furniture.coffee_table(kit), (0, 0, 0))
    return piece


def _reception(kit: PlaceKit) -> Piece:
    """Make a counter 1.05 m high with a screen and papers behind it."""
    piece, width = Piece(), kit.uniform(2, 4)
    piece.box((0, 0, 0.52), (width, 0.06, 1.04), kit.wood())
    piece.box((0, 0.05, 1.06), (width + 0.1, 0.3, 0.04), kit.stone())
    piece.add(furniture.desk(kit), (0, 0.6, 0), yaw=math.pi)
    piece.tops = [Top(-width / 2, width / 2, -0.1, 0.2, 1.08)]
    return piece
