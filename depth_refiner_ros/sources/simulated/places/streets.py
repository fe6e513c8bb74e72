# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A street below an open sky: façades, parked cars, trees, lamp posts, signs, people."""

import math

from depth_refiner_ros.sources.simulated.places.cars import car, van
from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.facades import house
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import Site
from depth_refiner_ros.sources.simulated.places.street_things import (
    bollard,
    hedge,
    lamp_post,
    sign,
    tree,
)
from depth_refiner_ros.sources.simulated.rooms.materials import linear
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
from depth_refiner_ros.sources.simulated.rooms.storage_furniture import bicycle, bin_, railing
import numpy as np

_GROUND_M = 90.0
_KERB_M = 0.12


def street(kit: PlaceKit) -> Site:
    """Build a street of 50-90 m along y, 12-34 m from house to house."""
    road, pavement = kit.uniform(5.5, 9.5), kit.uniform(1.6, 4)
    garden = kit.uniform(2, 8) if kit.chance(0.45) else 0.0
    width, length = road + 2 * (pavement + garden), kit.uniform(50, 90)
    site = Site(kit, np.array([width, length, 30.0], np.float32), 1.0)
    _pave(site, road, pavement)
    for wall in (1, 3):
        _row_of_houses(site, wall)
    for end, yaw in ((-6.0, math.pi), (length + 6.0, 0.0)):
        if kit.chance(0.45):
            across = house(kit, width * kit.uniform(0.6, 1.6))
            site.scene.add(across, (width / 2, end, 0), yaw=yaw)
    _park(site, road)
    _plant(site, road, pavement, garden)
    things = [bicycle(kit), bin_(kit), railing(kit), bollard(kit), sign(kit)]
    site.stand(things, kit.integer(6, 18))
    stand_about(site, 12)
    return site


def _pave(site: Site, road: float, pavement: float) -> None:
    """Lay asphalt with a line in its middle, two kerbs, and grass or slabs behind them."""
    kit, (width, length, _) = site.kit, site.sides
    asphalt, slabs = _asphalt(kit), _slabs(kit) if kit.chance(0.7) else _asphalt(kit)
    grass = kit.material(
        'speckle', linear((84, 110, 52)), linear((120, 130, 70)), period_u=0.12, period_v=0.12
    )
    behind = grass if kit.chance(0.6) else slabs
    ground, middle = Piece(), (width / 2, length / 2)
    size = (2 * _GROUND_M + width, 2 * _GROUND_M + length)
    ground.box((*middle, -0.2), (*size, 0.1), behind)
    ground.box((*middle, -0.09), (road, size[1], 0.18), asphalt)
    for side in (-1, 1):
        x = width / 2 + side * (road + pavement) / 2
        ground.box((x, length / 2, _KERB_M / 2 - 0.1), (pavement, size[1], _KERB_M + 0.2), slabs)
        x = width / 2 + side * (road / 2 + pavement + 15)
        ground.box((x, length / 2, _KERB_M / 2 - 0.11), (30, size[1], _KERB_M + 0.2), behind)
    white = kit.plain(((225, 225, 220),), 0)
    if kit.chance(0.7):
        for y in np.arange(-40, length + 40, 6.0).tolist():
            ground.box((width / 2, y, 0.002), (0.12, 3.0, 0.006), white)
    if kit.chance(0.5):
        y = length * kit.uniform(0.2, 0.8)
        for x in np.arange(width / 2 - road / 2 + 0.4, width / 2 + road / 2, 1.0).tolist():
            ground.box((x, y, 0.003), (0.5, 3.0, 0.008), white)
    site.scene.add(ground)


def _asphalt(kit: PlaceKit) -> int:
    grey = linear(kit.uniform(60, 130) + kit.rng.normal(0, 3, 3))
    return kit.material(
        'speckle', grey, grey * np.float32(1.6), period_u=0.03, period_v=0.03, share=0.3, grime=0.3
    )


def _slabs(kit: PlaceKit) -> int:
    """Return paving stones, or cobbles where they are small."""
    grey = linear(kit.uniform(110, 190) + kit.rng.normal(0, 6, 3))
    side = kit.uniform(0.12, 0.6)
    return kit.material(
        'tiles',
        grey,
        grey * np.float32(0.5),
        period_u=side,
        period_v=side * float(kit.rng.choice([0.5, 1.0])),
        share=kit.uniform(0.01, 0.05),
        variation=kit.uniform(0.05, 0.3),
        grime=0.3,
    )


def _row_of_houses(site: Site, wall: int) -> None:
    """Line houses up along one side, some with a gap between them."""
    kit, length = site.kit, site.sides[1]
    kinds = [house(kit, kit.uniform(6, 16)) for _ in range(4)]
    along = -kit.uniform(0, 10)
    while along < length + 5:
        piece = kit.one_of(kinds)
        wide = float(piece.bounds()[1][0] - piece.bounds()[0][0])
        x, y, yaw = site.plan.pose(wall, along + wide / 2, 0.0)
        site.scene.add(piece, (x, y, _KERB_M - 0.02), yaw=yaw)
        along += wide + (kit.uniform(1, 8) if kit.chance(0.3) else 0.02)


def _park(site: Site, road: float) -> None:
    """Park cars at the kerbs; a few are on their way."""
    kit, (width, length, _) = site.kit, site.sides
    cars = [car(kit) for _ in range(3)] + [van(kit)]
    for side in (-1, 1):
        if not kit.chance(0.85):
            continue
        y, filled = kit.uniform(0, 5), kit.uniform(0.3, 0.95)
        while y < length:
            if kit.chance(filled):
                x = width / 2 + side * (road / 2 - 1.05) + kit.uniform(-0.12, 0.12)
                turn = math.pi / 2 + math.pi * kit.integer(0, 1) + kit.uniform(-0.03, 0.03)
                site.put(kit.one_of(cars), x, y, turn)
            y += kit.uniform(5.2, 6.5)
    for _ in range(kit.integer(0, 3)):
        side = -1 if kit.chance(0.5) else 1
        y = kit.uniform(6, length - 6)
        site.put(kit.one_of(cars), width / 2 + side * 1.2, y, -side * math.pi / 2)


def _plant(site: Site, road: float, pavement: float, garden: float) -> None:
    """Stand trees and lamp posts along the kerbs, and hedges before the houses."""
    kit, (width, length, _) = site.kit, site.sides
    trees, lamp, low = [tree(kit) for _ in range(3)], lamp_post(kit), hedge(kit)
    gap = kit.uniform(7, 16)
    for side in (-1, 1):
        kerb = width / 2 + side * (road / 2 + 0.5)
        planted = kit.chance(0.65)
        for y in np.arange(kit.uniform(1, 6), length, gap).tolist():
            if planted and kit.chance(0.85):
                _plant_one(site, kit.one_of(trees), kerb, y)
        for y in np.arange(kit.uniform(3, 12), length, 2.3 * gap).tolist():
            _plant_one(site, lamp, kerb, y, 0.0 if side > 0 else math.pi)
        fence = width / 2 + side * (road / 2 + pavement + 0.4)
        for y in np.arange(0, length, 3.0).tolist():
            if garden and kit.chance(0.6):
                site.put(low, fence, y, math.pi / 2)
            if garden > 4 and kit.chance(0.25):
                _plant_one(site, kit.one_of(trees), fence + side * (garden / 2), y)


def _plant_one(site: Site, piece: Piece, x: float, y: float, yaw: float = 0.0) -> None:
    """Stand a piece whose foot is small: what is above it takes no room on the floor."""
    if site.plan.floor_free((x - 0.3, y - 0.3, x + 0.3, y + 0.3)):
        site.keep_free(x - 0.3, y - 0.3, x + 0.3, y + 0.3)
        site.scene.add(piece, (x, y, _KERB_M - 0.02), yaw=yaw)
