# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The light that arrives at the surfaces of a room."""

from collections.abc import Callable

from depth_refiner_ros.sources.simulated.render.noise import sampled
from depth_refiner_ros.sources.simulated.render.rays import dot
from depth_refiner_ros.sources.simulated.rooms.light_sources import COVER_CELL_M, Lighting, Sun
import numpy as np

Blocked = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Takes origins_3N and vectors_3N; returns whether each vector is blocked."""

_PIECE = 1 << 15
"""Points lit at a time: few enough that all their intermediate values stay in cache."""


def arriving_light(
    lighting: Lighting,
    points_3N: np.ndarray,
    normals_3N: np.ndarray,
    to_eye_3N: np.ndarray,
    blocked: Blocked,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the diffuse irradiance and the highlight at surface points.

    :param normals_3N: unit normals on the eye's side
    :param to_eye_3N: unit vectors to the camera
    :param blocked: shadow test
    :return: ``light_3N`` to be multiplied by the albedo, ``shine_3N`` by the gloss
    """
    light_3N, shine_3N = np.empty_like(points_3N), np.empty_like(points_3N)
    for start in range(0, points_3N.shape[1], _PIECE):
        part = np.s_[:, start : start + _PIECE]
        light_3N[part], shine_3N[part] = _lit(
            lighting, points_3N[part], normals_3N[part], to_eye_3N[part], blocked
        )
    return light_3N, shine_3N


def _lit(
    lighting: Lighting,
    points_3N: np.ndarray,
    normals_3N: np.ndarray,
    to_eye_3N: np.ndarray,
    blocked: Blocked,
) -> tuple[np.ndarray, np.ndarray]:
    light = _ambient(lighting, points_3N, normals_3N)
    shine = np.zeros_like(light)
    start = points_3N + normals_3N * np.float32(2e-3)
    eye_cosine = dot(normals_3N, to_eye_3N)
    for lamp in lighting.lamps:
        vector = lamp.position_3[:, None] - start
        squared = dot(vector, vector)
        shrink = 1 / np.sqrt(squared)
        cosine = dot(vector, normals_3N) * shrink
        arriving = np.maximum(cosine, 0) / (squared + np.float32(0.25))
        if lamp.shadows:
            facing = np.flatnonzero(arriving > 0)
            arriving[facing[blocked(start.take(facing, 1), vector.take(facing, 1))]] = 0
        spot = _highlight(cosine, eye_cosine, dot(vector, to_eye_3N) * shrink)
        spot *= (arriving > 0) * np.float32(lamp.shine)
        for axis, power in enumerate(lamp.power_3):
            light[axis] += arriving * power
            shine[axis] += spot * power
    if lighting.sun is not None:
        light += (
            _sunlight(lighting.sun, start, normals_3N, blocked) * lighting.sun.power_3[:, None]
        )
    return light, shine


def _ambient(lighting: Lighting, points_3N: np.ndarray, normals_3N: np.ndarray) -> np.ndarray:
    """Return the light from everywhere: more of it from above, less in corners."""
    shade = _corner_shade(points_3N, normals_3N, lighting.size_3)
    shade *= _furniture_shade(points_3N, lighting.cover_YX)
    shade *= np.float32(0.75) + np.float32(0.25) * normals_3N[2]
    return lighting.ambient_3[:, None] * shade


def _furniture_shade(points_3N: np.ndarray, cover_YX: np.ndarray) -> np.ndarray:
    """Return 0..1, how much furniture hides the room from low places beside or below it."""
    x, y = points_3N[:2] * np.float32(1 / COVER_CELL_M)
    hidden = sampled(cover_YX, x, y)
    return 1 - hidden * np.maximum(np.float32(0.55) - np.float32(0.8) * points_3N[2], 0)


def _corner_shade(points_3N: np.ndarray, normals_3N: np.ndarray, size_3: np.ndarray) -> np.ndarray:
    """Return 0..1, how much nearby walls, floor and ceiling hide the rest of the room."""
    shade = np.ones(points_3N.shape[1], np.float32)
    for x, n, size in zip(points_3N, normals_3N, size_3):
        for distance, facing in ((x, n), (size - x, -n)):
            near = np.float32(0.3 * 0.09) / (np.float32(0.09) + distance * distance)
            shade *= 1 - near * (1 - facing)
    return shade


def _highlight(
    light_cosine: np.ndarray, eye_cosine: np.ndarray, between: np.ndarray
) -> np.ndarray:
    """
    Return the 32nd power of the cosine between normal and halfway vector.

    :param light_cosine: normal to light
    :param eye_cosine: normal to eye
    :param between: light to eye; the halfway vector's square is 2 + 2 of it
    """
    power = np.maximum(light_cosine + eye_cosine, 0)
    power *= power
    power /= np.maximum(2 + 2 * between, np.float32(1e-6))
    for _ in range(4):
        power *= power
    return power


def _sunlight(
    sun: Sun, points_3N: np.ndarray, normals_3N: np.ndarray, blocked: Blocked
) -> np.ndarray:
    """Return the cosine of the sun where its ray passes through the pane unhindered."""
    arriving = np.maximum(sun.direction_3 @ normals_3N, 0)
    pane = sun.pane
    reach = (pane.value - points_3N[pane.axis]) / sun.direction_3[pane.axis]
    meets = (arriving > 0) & (reach > 0.06)
    for x, towards, low, high in zip(points_3N, sun.direction_3, pane.low_3, pane.high_3):
        through = x + reach * towards
        meets &= (through > low) & (through < high)
    inside = np.flatnonzero(meets)
    vector = sun.direction_3[:, None] * (reach[inside] - np.float32(0.06))
    lit = inside[~blocked(points_3N.take(inside, 1), vector)]
    result = np.zeros_like(arriving)
    result[lit] = arriving[lit]
    return result
