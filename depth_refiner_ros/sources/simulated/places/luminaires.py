# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lights of a place: a grid of ceiling lamps, of which a few light the scene, and windows."""

from depth_refiner_ros.sources.simulated.places.site import Site
from depth_refiner_ros.sources.simulated.rooms import structures
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lamp, Lighting
from depth_refiner_ros.sources.simulated.rooms.lights import floor_cover, hang_lights
import numpy as np

_LARGE_M2 = 30.0
_MOST_LAMPS = 3


def light(site: Site) -> Lighting:
    """Hang the lights of a place; one casts shadows, sometimes two."""
    panes = site.panes if site.daylight > 0.1 else []
    if float(site.size_3[0] * site.size_3[1]) < _LARGE_M2:
        return hang_lights(site.kit, site.plan, site.scene, panes, site.daylight)
    kit, (width, depth, height) = site.kit, site.sides
    drop = kit.uniform(0.3, 0.3 * height) if height > 3.2 and kit.chance(0.6) else 0.0
    luminaire = structures.ceiling_lamp(kit, drop, kit.uniform(3, 8))
    gap = kit.uniform(2.2, 4)
    grid = [(x, y) for x in _spread(width, gap).tolist() for y in _spread(depth, gap).tolist()]
    for x, y in grid:
        site.scene.add(luminaire, (x, y, height))
    warm = np.array([1.0, kit.uniform(0.8, 1.0), kit.uniform(0.6, 1.0)], np.float32)
    on_floor = kit.uniform(0.5, 1.5)
    burning = kit.rng.permutation(len(grid))[:_MOST_LAMPS].tolist()
    below = height - drop - (0.35 if drop else 0.12)
    lamps = tuple(
        Lamp(
            np.array([*grid[index], below], np.float32),
            warm * np.float32(on_floor * (below * below + 1.0)),
            shadows=rank < (2 if kit.chance(0.2) else 1),
            shine=2.5 / (below * below + 1.0),
        )
        for rank, index in enumerate(burning)
    )
    ambient = warm * np.float32(on_floor * kit.uniform(0.25, 0.6))
    return Lighting(ambient, lamps, None, site.size_3, floor_cover(site.plan))


def _spread(length: float, gap: float) -> np.ndarray:
    """Return the middles of equal parts of about one gap."""
    parts = max(1, round(length / gap))
    return (np.arange(parts) + 0.5) * length / parts
