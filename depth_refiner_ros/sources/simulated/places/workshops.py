# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A workshop, a laboratory or a child's room: tables that are full of small things."""

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.heaps import heap
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece


def workshop(kit: PlaceKit) -> Site:
    """Build a room of 2.6-6 x 3-8 m with two to six full tables."""
    site = open_site(kit, kit.uniform(2.6, 6), kit.uniform(3, 8), kit.uniform(2.35, 3.2))
    site.line([full_table(kit), full_table(kit)], kit.integer(1, 4))
    site.stand([full_table(kit)], kit.integer(1, 2))
    site.line([storage.shelf(kit), storage.cupboard(kit), furniture.desk(kit, 25)], 4)
    site.hang([structures.board(kit), structures.picture(kit), structures.wall_shelf(kit)], 5)
    site.stand([furniture.office_chair(kit), furniture.stool(kit), storage.cartons(kit)], 4)
    site.stand([storage.bin_(kit), storage.crate(kit)], 2)
    stand_about(site, 1)
    return site


def full_table(kit: PlaceKit) -> Piece:
    """Make a table with a heap on it."""
    piece = furniture.table(kit, 0.0)
    heap(kit, piece, piece.tops[0])
    return piece
