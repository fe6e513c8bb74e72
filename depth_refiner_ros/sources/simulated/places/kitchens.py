# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A kitchen: counters along the walls, often a table or an island in the middle."""

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.catalogue import dining
from depth_refiner_ros.sources.simulated.rooms.clutter import ON_TABLE, strew
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece, Top


def kitchen(kit: PlaceKit) -> Site:
    """Build a kitchen of 2.4-5 x 3-8 m."""
    site = open_site(kit, kit.uniform(2.4, 5), kit.uniform(3, 8), kit.uniform(2.4, 3))
    counters = [_counter(kit) for _ in range(2)]
    site.line(counters, kit.integer(2, 5))
    site.line([storage.fridge(kit)], 1)
    site.line([storage.cupboard(kit), storage.shelf(kit), storage.chest(kit)], 2)
    width, depth, _ = site.sides
    middle = dining(kit) if kit.chance(0.7) else _island(kit)
    site.put(middle, width * kit.uniform(0.4, 0.6), depth * kit.uniform(0.4, 0.6))
    site.hang([structures.picture(kit), structures.clock(kit), structures.wall_shelf(kit)], 4)
    site.stand([furniture.stool(kit), storage.bin_(kit), storage.crate(kit)], 3)
    stand_about(site, 2)
    return site


def _counter(kit: PlaceKit) -> Piece:
    """Make a kitchen counter that can be looked at from its edge."""
    piece = storage.counter(kit)
    low, high = piece.bounds()
    piece.tops = [Top(float(low[0]), float(high[0]), -0.3, 0.28, 0.9)]
    return piece


def _island(kit: PlaceKit) -> Piece:
    """Make a block of drawers, 0.9 m high, under a stone top with things on it."""
    width, depth = kit.uniform(1.0, 2.2), kit.uniform(0.7, 1.0)
    piece = furniture.drawers(kit, width, depth, 0.86, kit.wood())
    piece.box((0, 0, 0.88), (width + 0.1, depth + 0.1, 0.04), kit.stone())
    top = Top(-width / 2, width / 2, -depth / 2, depth / 2, 0.9)
    piece.tops.append(top)
    strew(kit, piece, top, kit.uniform(6, 22), ON_TABLE)
    return piece
