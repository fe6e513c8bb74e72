# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lamps, windows, sun and sky of a room, as data."""

from dataclasses import dataclass

import numpy as np

COVER_CELL_M = 0.05


@dataclass(frozen=True)
class Lamp:
    """A point light; ``power_3`` is the irradiance at one metre, ``shine`` of it highlights."""

    position_3: np.ndarray
    power_3: np.ndarray
    shadows: bool
    shine: float = 0.6


@dataclass(frozen=True)
class Pane:
    """A window pane on the plane where coordinate ``axis`` equals ``value``."""

    axis: int
    value: float
    low_3: np.ndarray
    high_3: np.ndarray


@dataclass(frozen=True)
class Sun:
    """Sunlight along ``direction_3`` (towards the sun) through one window pane."""

    direction_3: np.ndarray
    power_3: np.ndarray
    pane: Pane


@dataclass(frozen=True, kw_only=True)
class Sky:
    """
    What is seen where nothing is: linear colors, and the share of it that clouds cover.

    :param zenith_3: overhead
    :param horizon_3: near the horizon
    :param cloud_3: of clouds
    """

    zenith_3: np.ndarray
    horizon_3: np.ndarray
    cloud_3: np.ndarray
    clouds: float
    seed: int


@dataclass(frozen=True)
class Lighting:
    """
    All lights of a room.

    :param ambient_3: light from everywhere
    :param lamps: point lights; windows give skylight through one just inside the pane
    :param sun: direct sunlight, if any
    :param size_3: the room's size in metres, for the darkening of corners
    :param cover_YX: 0..1 where furniture covers the floor, in cells of COVER_CELL_M
    :param sky: of a place without a ceiling, whose depth is +Inf; None indoors
    """

    ambient_3: np.ndarray
    lamps: tuple[Lamp, ...]
    sun: Sun | None
    size_3: np.ndarray
    cover_YX: np.ndarray
    sky: Sky | None = None
