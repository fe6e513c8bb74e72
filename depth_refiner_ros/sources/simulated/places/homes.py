# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rooms of a home: one furnished room, or a living room with a wide opening to the next one."""

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.places.workshops import full_table
from depth_refiner_ros.sources.simulated.rooms import furniture, structures
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.catalogue import dining, lounge
from depth_refiner_ros.sources.simulated.rooms.room import furnish
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece


def home(kit: PlaceKit) -> Site:
    """Build a living room, bedroom, study or store room of 2.8-6 x 3.5-9 m."""
    site = open_site(kit, kit.uniform(2.8, 6), kit.uniform(3.5, 9), kit.uniform(2.35, 3))
    kind = kit.one_of(('living', 'living', 'bedroom', 'bedroom', 'office', 'storage'))
    if kit.chance(0.5):
        width, depth, _ = site.sides
        full = kit.chance(0.3)
        table = full_table(kit) if full else furniture.table(kit, kit.uniform(12, 40))
        site.put(table, width * kit.uniform(0.35, 0.65), depth * kit.uniform(0.35, 0.65))
    furnish(kit, site.plan, site.scene, kind)
    stand_about(site, 1)
    return site


def living(kit: PlaceKit) -> Site:
    """Build two rooms, together 3.5-6.5 x 6-11 m, with an opening of 1-3 m between them."""
    site = open_site(kit, kit.uniform(3.5, 6.5), kit.uniform(6, 11), kit.uniform(2.4, 3))
    _partition(site)
    site.line([furniture.sofa(kit), lounge(kit), storage.shelf(kit), storage.chest(kit)], 7)
    site.stand([dining(kit)], kit.integer(1, 2))
    site.line([storage.counter(kit), storage.cupboard(kit), storage.floor_plant(kit)], 4)
    site.stand([furniture.coffee_table(kit), furniture.chair(kit), furniture.stool(kit)], 4)
    site.hang([structures.picture(kit) for _ in range(3)] + [structures.wall_shelf(kit)], 9)
    site.stand([storage.floor_lamp(kit), storage.bin_(kit), storage.crate(kit)], 3)
    stand_about(site, 2)
    return site


def _partition(site: Site) -> None:
    """Divide the place across its longer side, with a wide opening below a lintel."""
    kit, (width, depth, height) = site.kit, site.sides
    across, along = min(width, depth), max(width, depth)
    gap = kit.uniform(1.0, min(3.0, across - 1.2))
    left, where = kit.uniform(0.3, across - gap - 0.3), along * kit.uniform(0.35, 0.65)
    thick, top, wall = kit.uniform(0.08, 0.2), kit.uniform(2.0, 2.3), kit.wall()
    piece = Piece()
    for start, end, low in ((0.0, left, 0.0), (left + gap, across, 0.0), (left, left + gap, top)):
        centre = ((start + end) / 2, 0.0, (low + height) / 2)
        piece.box(centre, (end - start, thick, height - low), wall)
    if width < depth:
        site.scene.add(piece, (0, where, 0))
        site.keep_free(0, where - thick - 0.3, width, where + thick + 0.3)
    else:
        site.scene.add(piece, (where, 0, 0), yaw=1.5707963)
        site.keep_free(where - thick - 0.3, 0, where + thick + 0.3, depth)
