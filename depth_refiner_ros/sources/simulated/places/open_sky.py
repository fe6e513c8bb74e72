# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The light of an outdoor place: sky all around and, unless it is overcast, the sun."""

import math

from depth_refiner_ros.sources.simulated.places.site import Site
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lighting, Pane, Sky, Sun
from depth_refiner_ros.sources.simulated.rooms.lights import floor_cover
import numpy as np

_ABOVE_ALL_M = 60.0


def daylight(site: Site) -> Lighting:
    """Draw sky and sun; without the sun, light comes from everywhere."""
    kit = site.kit
    overcast = kit.chance(0.4)
    grey = np.array([0.86, 0.93, 1.0], np.float32) * np.float32(kit.uniform(0.7, 1.3))
    blue = np.array([0.2, 0.4, 0.85], np.float32) * np.float32(kit.uniform(0.6, 1.1))
    sky = Sky(
        zenith_3=grey if overcast else blue,
        horizon_3=grey * np.float32(1.1),
        cloud_3=np.full(3, kit.uniform(0.9, 1.4), np.float32),
        clouds=kit.uniform(0.1, 0.6),
        seed=kit.integer(0, 1 << 30),
    )
    ambient = np.float32(kit.uniform(0.8, 1.2)) * (grey if overcast else (blue + grey) / 2)
    sun = None if overcast else _sun(site)
    return Lighting(ambient, (), sun, site.size_3, floor_cover(site.plan), sky)


def _sun(site: Site) -> Sun:
    """Draw the sun, 10-60 degrees above the horizon; its pane is the whole sky."""
    kit = site.kit
    turn, rise = kit.uniform(-math.pi, math.pi), kit.uniform(0.17, 1.05)
    flat = math.cos(rise)
    towards = np.array([flat * math.cos(turn), flat * math.sin(turn), math.sin(rise)], np.float32)
    anywhere = np.full(3, 1e4, np.float32)
    warm = np.array([1.0, kit.uniform(0.82, 0.95), kit.uniform(0.65, 0.85)], np.float32)
    power = warm * np.float32(kit.uniform(1.5, 3.5))
    return Sun(towards, power, Pane(2, _ABOVE_ALL_M, -anywhere, anywhere))
