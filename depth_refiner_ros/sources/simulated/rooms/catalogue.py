# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which furniture stands in which kind of room, and groups that belong together."""

from collections.abc import Callable
import math

from depth_refiner_ros.sources.simulated.rooms import furniture
from depth_refiner_ros.sources.simulated.rooms import storage_furniture as storage
from depth_refiner_ros.sources.simulated.rooms.materials import Kit
from depth_refiner_ros.sources.simulated.rooms.shapes import Piece

Maker = Callable[[Kit], Piece]


def dining(kit: Kit) -> Piece:
    """Put chairs around a table."""
    piece, chair = furniture.table(kit), furniture.chair(kit)
    top = piece.tops[0]
    for x, side in ((top.x0 / 2, -1), (top.x1 / 2, -1), (top.x0 / 2, 1), (top.x1 / 2, 1)):
        if kit.chance(0.75):
            y = side * (max(top.y1, 0.38) + kit.uniform(0.05, 0.3))
            piece.add(chair, (x, y, 0), yaw=(0 if side > 0 else math.pi) + kit.uniform(-0.3, 0.3))
    return piece


def _workplace(kit: Kit) -> Piece:
    """Put a chair in front of a desk."""
    piece = furniture.desk(kit)
    seat = furniture.office_chair(kit) if kit.chance(0.7) else furniture.chair(kit)
    piece.add(
        seat,
        (kit.uniform(-0.2, 0.2), piece.tops[0].y0 - kit.uniform(0.15, 0.5), 0),
        yaw=math.pi + kit.uniform(-0.7, 0.7),
    )
    return piece


def lounge(kit: Kit) -> Piece:
    """Put a low table in front of a sofa."""
    piece = furniture.sofa(kit)
    piece.add(furniture.coffee_table(kit), (0, -kit.uniform(1.0, 1.3), 0))
    return piece


_COMMON: tuple[Maker, ...] = (
    storage.floor_plant,
    storage.bin_,
    storage.cartons,
    storage.crate,
    furniture.stool,
    storage.floor_lamp,
    furniture.chair,
)
CATALOGUE: dict[str, tuple[tuple[Maker, ...], tuple[Maker, ...]]] = {
    'living': (
        (
            furniture.sofa,
            lounge,
            storage.shelf,
            storage.cupboard,
            storage.chest,
            storage.floor_lamp,
            storage.floor_plant,
            furniture.sofa,
        ),
        (dining, furniture.coffee_table, furniture.chair, *_COMMON),
    ),
    'bedroom': (
        (
            furniture.bed,
            furniture.bed,
            storage.cupboard,
            storage.chest,
            storage.chest,
            _workplace,
            storage.clothes_rack,
        ),
        (furniture.chair, furniture.stool, *_COMMON),
    ),
    'office': (
        (_workplace, _workplace, _workplace, storage.shelf, storage.cupboard, storage.floor_plant),
        (furniture.office_chair, dining, storage.column, *_COMMON),
    ),
    'kitchen': (
        (storage.counter, storage.counter, storage.fridge, storage.cupboard, storage.shelf),
        (dining, dining, furniture.stool, *_COMMON),
    ),
    'storage': (
        (
            storage.shelf,
            storage.shelf,
            storage.cartons,
            storage.cupboard,
            storage.bicycle,
            storage.clothes_rack,
        ),
        (
            storage.ladder,
            storage.cartons,
            storage.bicycle,
            storage.railing,
            storage.column,
            *_COMMON,
        ),
    ),
    'corridor': (
        (
            storage.shelf,
            storage.chest,
            furniture.stool,
            storage.floor_plant,
            storage.cartons,
            storage.bicycle,
            storage.bin_,
        ),
        (storage.column, storage.railing, storage.bin_),
    ),
    'desktop': ((storage.shelf, storage.cupboard, storage.chest), (*_COMMON,)),
}
