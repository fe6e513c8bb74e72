# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A warehouse of pallet racks, or a library or shop of book shelves, in rows with aisles."""

import math

from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.people import stand_about
from depth_refiner_ros.sources.simulated.places.site import open_site, Site
from depth_refiner_ros.sources.simulated.rooms import furniture
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece
import numpy as np


def warehouse(kit: PlaceKit) -> Site:
    """Build a warehouse of 8-16 x 12-30 m, 4.5-8 m high."""
    site = open_site(kit, kit.uniform(8, 16), kit.uniform(12, 30), kit.uniform(4.5, 8))
    levels = kit.integer(2, max(2, int((site.sides[2] - 0.8) / 1.5)))
    bays = [_bay(kit, levels) for _ in range(3)]
    _rows(site, bays, 2.4, kit.uniform(2.4, 4))
    pallet = _pallet(kit)
    site.stand([pallet, storage.cartons(kit), storage.ladder(kit), storage.crate(kit)], 14)
    stand_about(site, 4)
    return site


def library(kit: PlaceKit) -> Site:
    """Build a library, archive or shop of 5-10 x 7-16 m."""
    site = open_site(kit, kit.uniform(5, 10), kit.uniform(7, 16), kit.uniform(2.5, 3.8))
    bays = [_shelves(kit) for _ in range(3)]
    width = float(bays[0].bounds()[1][0] - bays[0].bounds()[0][0])
    _rows(site, bays, width, kit.uniform(1.1, 2.0))
    site.stand([furniture.stool(kit), storage.cartons(kit), furniture.table(kit, 14)], 5)
    site.line([storage.shelf(kit), storage.cartons(kit)], 6)
    stand_about(site, 3)
    return site


def _rows(site: Site, bays: list[Piece], pitch_m: float, aisle_m: float) -> None:
    """Line bays up along the longer side, in rows with aisles between them."""
    kit, turned = site.kit, site.sides[0] < site.sides[1]
    across, along = sorted(site.sides[:2])
    deep = max(float(bay.bounds()[1][1] - bay.bounds()[0][1]) for bay in bays)
    free = kit.uniform(2, 4)  # of shelves, at one end
    rows = np.arange(kit.uniform(0.1, 1.5) + deep / 2, across - deep / 2, deep + aisle_m)
    for row in rows.tolist():
        for step in np.arange(0.7 + pitch_m / 2, along - free, pitch_m).tolist():
            if kit.chance(0.93):
                yaw = (math.pi / 2 if turned else 0.0) + math.pi * kit.integer(0, 1)
                site.put(kit.one_of(bays), *((row, step) if turned else (step, row)), yaw)


def _bay(kit: PlaceKit, levels: int) -> Piece:
    """Make a bay of a pallet rack, 2.4 m wide and 1 m deep, with goods on every level."""
    piece, frame, beam = Piece(), kit.plain(((40, 70, 130), (90, 95, 100))), kit.plain()
    step, deck = kit.uniform(1.2, 1.5), kit.wood()
    for x in (-1.15, 1.15):
        for y in (-0.45, 0.45):
            piece.box((x, y, levels * step / 2 + 0.1), (0.09, 0.07, levels * step + 0.2), frame)
        for level in range(levels * 2):
            z = 0.3 + level * step / 2
            piece.tube([(x, -0.42, z), (x, 0.42, z + step / 2 - 0.1)], 0.02, frame, 4)
    load = [_pallet(kit) for _ in range(2)] + [storage.cartons(kit) for _ in range(2)]
    for level in range(levels):
        z = level * step
        if level:
            for y in (-0.46, 0.46):
                piece.box((0, y, z - 0.06), (2.22, 0.05, 0.12), beam)
            piece.box((0, 0, z - 0.012), (2.22, 0.9, 0.024), deck)
        for x in (-0.58, 0.58):
            if kit.chance(0.85):
                goods = kit.one_of(load)
                if goods.bounds()[1][2] < step - 0.15:
                    piece.add(goods, (x, 0, z), yaw=kit.uniform(-0.06, 0.06))
    return piece


def _pallet(kit: PlaceKit) -> Piece:
    """Make a pallet of boards with a block of cartons on it."""
    piece, wood = Piece(), kit.wood()
    for y in (-0.35, 0, 0.35):
        piece.box((0, y, 0.06), (1.0, 0.09, 0.12), wood)
    for x in np.linspace(-0.45, 0.45, 6).tolist():
        piece.box((x, 0, 0.13), (0.1, 0.8, 0.02), wood)
    faces = [kit.carton() for _ in range(2)]
    count, high = kit.integer(1, 3), kit.uniform(0.22, 0.32)
    for layer in range(count):
        for x in (-0.31, 0.0, 0.31):
            for y in (-0.19, 0.19):
                if layer < count - 1 or kit.chance(0.8):
                    centre = (x, y, 0.14 + high * (layer + 0.5))
                    piece.box(centre, (0.3, 0.37, high - 0.004), kit.one_of(faces))
    return piece


def _shelves(kit: PlaceKit) -> Piece:
    """Make two book shelves back to back."""
    piece, one = Piece(), storage.shelf(kit)
    rear = float(one.bounds()[1][1]) + 0.01
    piece.add(one, (0, -rear, 0))
    piece.add(one, (0, rear, 0), yaw=math.pi)
    return piece
