# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An open office: rows of desks, face to face, with screens, cupboards and plants between them."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def office(kit: PlaceKit) -> Site:
    """Build an office of 5-9 x 7-16 m."""
    site = open_site(kit, kit.uniform(5, 9), kit.uniform(7, 16), kit.uniform(2.5, 3.3))
    desks = [_workplace(kit) for _ in range(kit.integer(2, 4))]
    pitch, aisle = kit.uniform(1.7, 2.1), kit.uniform(3.1, 4.2)
    divider = _divider(kit, pitch) if kit.chance(0.4) else None
    width, depth, _ = site.sides
    for y in np.arange(kit.uniform(1.6, 2.3), depth - 1.4, aisle):
        for x in np.arange(kit.uniform(1.1, 2.0), width - 1.0, pitch):
            if divider is not None:
                site.put(divider, float(x), float(y) + 0.02)
            for side, yaw in ((-0.45, 0.0), (0.5, math.pi)):
                if kit.chance(0.88):
                    site.put(kit.one_of(desks), float(x), float(y) + side, yaw)
    site.line([storage.shelf(kit), storage.cupboard(kit), storage.chest(kit)], kit.integer(3, 10))
    site.hang([structures.board(kit), structures.picture(kit), structures.clock(kit)], 7)
    site.stand([storage.floor_plant(kit), storage.bin_(kit), storage.cartons(kit)], 7)
    stand_about(site, 4)
    return site


def _workplace(kit: PlaceKit) -> Piece:
    """Make a desk with its chair, 1.5 m deep together."""
    piece = furniture.desk(kit, kit.uniform(6, 20))
    piece.add(
        furniture.office_chair(kit),
        (kit.uniform(-0.2, 0.2), piece.tops[0].y0 - kit.uniform(0.05, 0.3), 0),
        yaw=math.pi + kit.uniform(-0.9, 0.9),
    )
    return piece


def _divider(kit: PlaceKit, width: float) -> Piece:
    """Make a screen of cloth between two desks."""
    piece = Piece()
    height = kit.uniform(1.05, 1.5)
    piece.box((0, 0, height / 2 + 0.05), (width - 0.04, 0.03, height - 0.1), kit.fabric())
    piece.box((0, 0, height), (width - 0.02, 0.04, 0.02), kit.main_metal)
    return piece
