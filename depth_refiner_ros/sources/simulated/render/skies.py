# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The sky that rays see when they meet nothing."""

from depth_refiner_ros.sources.simulated.render.noise import noise
from depth_refiner_ros.sources.simulated.render.rays import dot
from depth_refiner_ros.sources.simulated.rooms.light_sources import Sky
import numpy as np


def sky_color(sky: Sky, directions_3N: np.ndarray) -> np.ndarray:
    """Return the linear color ``rgb_3N`` of the sky along directions of any length."""
    length = np.sqrt(dot(directions_3N, directions_3N))
    rise = np.maximum(directions_3N[2] / length, np.float32(0.02))
    haze = np.exp(np.float32(-4) * rise)
    rgb = sky.zenith_3[:, None] + haze * (sky.horizon_3 - sky.zenith_3)[:, None]
    # A layer of clouds at constant height: far ones lie flat above the horizon.
    x, y = directions_3N[:2] / (rise * length + np.float32(0.1))
    cloud = noise(x, y, 3.0, 3.0, sky.seed) - np.float32(1 - sky.clouds)
    cloud = np.clip(cloud * np.float32(4), 0, 1) * (1 - haze)
    return rgb + cloud * (sky.cloud_3[:, None] - rgb)
