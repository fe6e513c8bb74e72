# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build the place of a seed: draw its kind, furnish it, light it."""

from collections.abc import Callable
from dataclasses import dataclass

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated.places.bathrooms import bathroom
from depth_refiner_ros.sources.simulated.places.corridors import corridor
from depth_refiner_ros.sources.simulated.places.dressing import PlaceKit
from depth_refiner_ros.sources.simulated.places.halls import hall
from depth_refiner_ros.sources.simulated.places.homes import home, living
from depth_refiner_ros.sources.simulated.places.kitchens import kitchen
from depth_refiner_ros.sources.simulated.places.luminaires import light
from depth_refiner_ros.sources.simulated.places.offices import office
from depth_refiner_ros.sources.simulated.places.open_sky import daylight
from depth_refiner_ros.sources.simulated.places.site import Site, Spot
from depth_refiner_ros.sources.simulated.places.streets import street
from depth_refiner_ros.sources.simulated.places.warehouses import library, warehouse
from depth_refiner_ros.sources.simulated.places.workshops import workshop
from depth_refiner_ros.sources.simulated.rooms.room import CameraLook, Room
import numpy as np

KINDS: dict[str, tuple[Callable[[PlaceKit], Site], float]] = {
    'home': (home, 0.24),
    'living': (living, 0.15),
    'workshop': (workshop, 0.1),
    'kitchen': (kitchen, 0.13),
    'office': (office, 0.13),
    'hall': (hall, 0.06),
    'corridor': (corridor, 0.05),
    'library': (library, 0.06),
    'bathroom': (bathroom, 0.06),
    'warehouse': (warehouse, 0.02),
}
"""What builds each kind of indoor place, and how often it is drawn among them."""
OUTDOOR: dict[str, Callable[[PlaceKit], Site]] = {'street': street}
OUTDOOR_SHARE = 0.15


@dataclass(frozen=True, kw_only=True)
class Place(Room):
    """
    A room of one of the ``KINDS``, or a place ``OUTDOOR``.

    :param spots: table tops, to look at from their edge
    """

    spots: tuple[Spot, ...]


def build_place(seed: int, outdoor: float = OUTDOOR_SHARE) -> Place:
    """
    Build the place of a seed.

    :param seed: not negative; the same seed gives the same place bit for bit
    :param outdoor: share of seeds whose place is outdoors; the other ones stay what they are
    :raises InputError: if the seed is negative
    """
    if seed < 0:
        raise InputError(f'place seed {seed} is negative; use 0 or more')
    if np.random.default_rng([seed, 10]).random() < outdoor:
        return build_kind('street', seed)
    rng = np.random.default_rng([seed, 11])
    shares = [share for _, share in KINDS.values()]
    kind = str(rng.choice(list(KINDS), p=np.array(shares) / sum(shares)))
    return build_kind(kind, seed)


def build_kind(kind: str, seed: int) -> Place:
    """Build a place of one of the ``KINDS`` or one ``OUTDOOR``."""
    builder = OUTDOOR[kind] if kind in OUTDOOR else KINDS[kind][0]
    site = builder(PlaceKit(np.random.default_rng([seed, 12])))
    kit, lighting = site.kit, daylight(site) if kind in OUTDOOR else light(site)
    look = CameraLook(
        level=kit.uniform(0.14, 0.32),
        drift=kit.uniform(0.6, 0.95),
        balance_3=np.array([kit.uniform(0.85, 1.15), 1.0, kit.uniform(0.85, 1.15)], np.float32),
    )
    return Place(
        seed=seed,
        kind=kind,
        size_3=site.size_3,
        surface=site.scene.mesh(),
        materials=kit.materials,
        lighting=lighting,
        look=look,
        focus_3=None,
        spots=tuple(site.scene.spots),
    )
