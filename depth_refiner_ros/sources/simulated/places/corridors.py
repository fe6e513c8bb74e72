# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A long corridor with doors on both sides, notice boards and things left at its walls."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def corridor(kit: PlaceKit) -> Site:
    """Build a corridor, 1.5-3.2 m wide and 6-25 m long."""
    site = open_site(kit, kit.uniform(1.5, 3.2), kit.uniform(6, 25), kit.uniform(2.3, 3.3))
    _doors(site)
    if kit.chance(0.5):
        _piers(site)
    at_wall = [storage.chest(kit), _bench(kit), storage.bin_(kit), storage.cupboard(kit)]
    if min(site.sides[:2]) > 2:
        at_wall += [storage.shelf(kit), storage.floor_plant(kit), storage.cartons(kit)]
    site.line(at_wall, kit.integer(1, 7))
    hung = [structures.board(kit), structures.picture(kit), structures.picture(kit)]
    site.hang([*hung, _extinguisher(kit), structures.clock(kit)], kit.integer(2, 10))
    stand_about(site, 3)
    return site


def _doors(site: Site) -> None:
    """Put a door every few metres into both long walls."""
    kit, long_walls = site.kit, (0, 2) if site.sides[0] > site.sides[1] else (1, 3)
    door, gap = structures.door(kit), kit.uniform(2.2, 5)
    for wall in long_walls:
        for along in np.arange(kit.uniform(1, 2.5), site.plan.length(wall) - 1, gap).tolist():
            span = (along - 0.6, along + 0.6, 0.0, 2.1)
            if kit.chance(0.8) and site.plan.wall_free(wall, *span):
                site.plan.walls.append((wall, *span))
                x, y, yaw = site.plan.pose(wall, along, 0.0)
                site.scene.add(door, (x, y, 0), yaw=yaw)


def _piers(site: Site) -> None:
    """Let pillars jut from one long wall at equal distances."""
    kit, wall = site.kit, 0 if site.sides[0] > site.sides[1] else 1
    piece, width = Piece(), kit.uniform(0.3, 0.5)
    deep = kit.uniform(0.12, 0.3)
    piece.box((0, -deep / 2, site.sides[2] / 2), (width, deep, site.sides[2]), kit.wall())
    for along in np.arange(2, site.plan.length(wall) - 1, kit.uniform(2.5, 5)).tolist():
        span = (along - width / 2, along + width / 2, 0.0, site.sides[2])
        if site.plan.wall_free(wall, *span):
            site.plan.walls.append((wall, *span))
            x, y, yaw = site.plan.pose(wall, along, 0.0)
            site.put(piece, x - 1e-4 * math.sin(yaw), y - 1e-4 * math.cos(yaw), yaw)


def _bench(kit: PlaceKit) -> Piece:
    """Make a row of two to four seats."""
    piece, seats = Piece(), kit.integer(2, 4)
    seat = furniture.chair(kit)
    for index in range(seats):
        piece.add(seat, ((index - (seats - 1) / 2) * 0.52, 0, 0))
    return piece


def _extinguisher(kit: PlaceKit) -> Piece:
    """Make a fire extinguisher with its sign."""
    piece, red = Piece(), kit.plain(((190, 30, 28),), 0.5)
    piece.cylinder((0, -0.09, 0.75), 0.075, 0.42, red, 14)
    piece.cylinder((0, -0.09, 1.17), 0.02, 0.08, kit.main_metal, 10)
    piece.tube([(0, -0.09, 1.22), (0.08, -0.1, 1.1), (0.085, -0.1, 0.85)], 0.01, kit.main_metal, 6)
    piece.box((0, -0.004, 1.55), (0.2, 0.008, 0.2), red)
    return piece
