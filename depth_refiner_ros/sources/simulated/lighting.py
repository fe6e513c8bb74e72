"""Lamps, sun and sky of a room and the light that arrives at its surfaces."""

from collections.abc import Callable
from dataclasses import dataclass

from depth_refiner_ros.sources.simulated.textures import sampled
import numpy as np

COVER_CELL_M = 0.05
Blocked = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Tells of origins_N3 and vectors_N3 whether something lies between origin and its end."""


@dataclass(frozen=True)
class Lamp:
    """A point light; ``power_3`` is the irradiance at one metre."""

    position_3: np.ndarray
    power_3: np.ndarray
    shadows: bool


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


@dataclass(frozen=True)
class Lighting:
    """
    All lights of a room.

    :param ambient_3: light from everywhere
    :param lamps: point lights; windows give skylight through one just inside the pane
    :param sun: direct sunlight, if any
    :param size_3: the room's size in metres, for the darkening of corners
    :param cover_YX: 0..1 where furniture covers the floor, in cells of COVER_CELL_M
    """

    ambient_3: np.ndarray
    lamps: tuple[Lamp, ...]
    sun: Sun | None
    size_3: np.ndarray
    cover_YX: np.ndarray


def _furniture_shade(points_N3: np.ndarray, cover_YX: np.ndarray) -> np.ndarray:
    """Give 0..1 by how much furniture hides the room from places low down beside or below it."""
    cell = points_N3[:, :2] * np.float32(1 / COVER_CELL_M)
    hidden = sampled(cover_YX, cell[:, 0], cell[:, 1])
    return 1 - hidden * np.maximum(np.float32(0.55) - np.float32(0.8) * points_N3[:, 2], 0)


def _corner_shade(points_N3: np.ndarray, normals_N3: np.ndarray, size_3: np.ndarray) -> np.ndarray:
    """Give 0..1 by how much walls, floor and ceiling nearby hide the rest of the room."""
    shade = np.ones(len(points_N3), np.float32)
    for axis in range(3):
        x, n = points_N3[:, axis], normals_N3[:, axis]
        for distance, facing in ((x, n), (size_3[axis] - x, -n)):
            near = np.float32(0.09) / (np.float32(0.09) + distance * distance)
            shade *= 1 - np.float32(0.3) * near * (1 - facing)
    return shade


def _highlight(to_light_N3: np.ndarray, to_eye_N3: np.ndarray,
               normals_N3: np.ndarray) -> np.ndarray:
    half = to_light_N3 + to_eye_N3
    length = np.sqrt(np.einsum('ij,ij->i', half, half))
    cosine = np.maximum(np.einsum('ij,ij->i', half, normals_N3) / length, 0)
    squared = cosine * cosine
    for _ in range(4):
        squared = squared * squared
    return squared


def _add_light(light: np.ndarray, shine: np.ndarray, arriving_N: np.ndarray, power_3: np.ndarray,
               to_light_N3: np.ndarray, to_eye_N3: np.ndarray, normals_N3: np.ndarray,
               glossy: np.ndarray) -> None:
    light += arriving_N[:, None] * power_3
    if len(glossy):
        spot = _highlight(to_light_N3.take(glossy, 0), to_eye_N3.take(glossy, 0),
                          normals_N3.take(glossy, 0))
        spot *= (arriving_N.take(glossy) > 0) * np.float32(0.6)
        shine[glossy] += spot[:, None] * power_3


def arriving_light(lighting: Lighting, points_N3: np.ndarray, normals_N3: np.ndarray,
                   to_eye_N3: np.ndarray, glossy: np.ndarray,
                   blocked: Blocked) -> tuple[np.ndarray, np.ndarray]:
    """
    Give the diffuse irradiance and the highlight at surface points.

    :param normals_N3: unit normals on the eye's side
    :param to_eye_N3: unit vectors to the camera
    :param glossy: indices of the points whose material has a highlight
    :param blocked: shadow test
    :return: ``light_N3`` to be multiplied by the albedo, ``shine_N3`` by the gloss
    """
    corner = _corner_shade(points_N3, normals_N3, lighting.size_3)
    corner *= _furniture_shade(points_N3, lighting.cover_YX)
    upward = np.float32(0.75) + np.float32(0.25) * normals_N3[:, 2]
    light = (corner * upward)[:, None] * lighting.ambient_3
    shine = np.zeros((len(points_N3), 3), np.float32)
    start = points_N3 + normals_N3 * np.float32(2e-3)
    for lamp in lighting.lamps:
        vector = lamp.position_3 - start
        squared = np.einsum('ij,ij->i', vector, vector)
        to_light = vector / np.sqrt(squared)[:, None]
        arriving = np.maximum(np.einsum('ij,ij->i', to_light, normals_N3), 0) / (
            squared + np.float32(0.25))
        if lamp.shadows:
            facing = np.flatnonzero(arriving > 0)
            arriving[facing[blocked(start.take(facing, 0), vector.take(facing, 0))]] = 0
        _add_light(light, shine, arriving, lamp.power_3, to_light, to_eye_N3, normals_N3, glossy)
    if lighting.sun is not None:
        arriving = _sunlight(lighting.sun, start, normals_N3, blocked)
        lit = np.flatnonzero(arriving)
        light[lit] += arriving[lit, None] * lighting.sun.power_3
    return light, shine


def _sunlight(sun: Sun, points_N3: np.ndarray, normals_N3: np.ndarray,
              blocked: Blocked) -> np.ndarray:
    """Give the cosine of the sun where its ray passes through the pane unhindered."""
    arriving = np.maximum(normals_N3 @ sun.direction_3, 0)
    pane = sun.pane
    reach = (pane.value - points_N3[:, pane.axis]) / sun.direction_3[pane.axis]
    through = points_N3 + reach[:, None] * sun.direction_3
    inside = np.flatnonzero(((through > pane.low_3) & (through < pane.high_3)).all(1)
                            & (arriving > 0) & (reach > 0.06))
    vector = (reach[inside, None] - np.float32(0.06)) * sun.direction_3
    lit = inside[~blocked(points_N3[inside], vector)]
    result = np.zeros(len(points_N3), np.float32)
    result[lit] = arriving[lit]
    return result
