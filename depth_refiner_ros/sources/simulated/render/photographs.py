# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A texture with the statistics of photographs.

Opaque leaves of all sizes that hide each other, their number falling with the cube of the radius,
give the 1/f spectra and the sharp edges of natural images (Lee, Mumford and Huang, "Occlusion
models for natural images", IJCV 2001). One large picture of them is painted once; every printed
picture shows a part of it at a scale of its own.
"""

from functools import lru_cache
import math

import cv2
from depth_refiner_ros.sources.simulated.render.noise import noise, sampled
from depth_refiner_ros.sources.simulated.rooms.materials import Material
import numpy as np

_SIZE = 512
_LEAVES = 9000
_SMALLEST_PX, _LARGEST_PX = 2.0, 150.0
_LEVELS = 7


@lru_cache(maxsize=1)
def _leaves() -> tuple[np.ndarray, ...]:
    """Return the picture of leaves, float32 (3, size, size) in 0..1, each half the one before."""
    rng = np.random.default_rng(17)
    canvas = np.full((_SIZE, _SIZE, 3), 0.3, np.float32)
    least, most = _SMALLEST_PX**-2, _LARGEST_PX**-2
    for share in rng.random(_LEAVES).tolist():
        radius = (most + share * (least - most)) ** -0.5
        x, y = rng.uniform(0, _SIZE, 2).tolist()
        light = float(np.exp(rng.normal(-1.3, 0.7)))
        color = np.clip(light * np.exp(rng.normal(0, 0.22, 3)), 0.01, 0.95).tolist()
        axes = max(1, round(radius)), max(1, round(radius * rng.uniform(0.3, 1.0)))
        # Leaves wrap around the borders, so that the picture has no seam.
        for dx in (0, -_SIZE if x > _SIZE / 2 else _SIZE):
            for dy in (0, -_SIZE if y > _SIZE / 2 else _SIZE):
                centre = round(x + dx), round(y + dy)
                if min(centre) > -radius and max(centre) < _SIZE + radius:
                    _leaf(canvas, centre, axes, float(360 * share * 7919 % 360), color)
    levels: list[np.ndarray] = [canvas]
    for _ in range(_LEVELS - 1):
        half = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (half, half), interpolation=cv2.INTER_AREA))
    return tuple(np.ascontiguousarray(level.transpose(2, 0, 1)) for level in levels)


def _leaf(
    canvas: np.ndarray,
    centre: tuple[int, int],
    axes: tuple[int, int],
    turn_deg: float,
    color: list[float],
) -> None:
    """Paint an ellipse, or in a third of the cases a rectangle."""
    if turn_deg % 3 > 1:
        cv2.ellipse(canvas, centre, axes, turn_deg, 0, 360, color, -1, cv2.LINE_AA)
        return
    corners = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), turn_deg % 30))
    cv2.fillConvexPoly(canvas, np.round(corners).astype(np.int32), color, cv2.LINE_AA)


def photo(u: np.ndarray, v: np.ndarray, w: np.ndarray, m: Material) -> np.ndarray:
    """Show a part of the picture of leaves in the tint of the first color, in a pale border."""
    rng = np.random.default_rng(m.seed)
    width, height = m.extent
    texels_per_m = float(np.exp(rng.uniform(math.log(60), math.log(400)))) / max(width, height)
    level = int(np.clip(math.log2(max(float(np.median(w)) * texels_per_m, 1.0)), 0, _LEVELS - 1))
    planes = _leaves()[level]
    scale, (left, low) = texels_per_m / 2**level, rng.uniform(0, planes.shape[-1], 2)
    x, y = u * np.float32(scale) + np.float32(left), v * np.float32(scale) + np.float32(low)
    x, y = x % planes.shape[-1], y % planes.shape[-1]
    order = rng.permutation(3)
    rgb = np.stack([sampled(planes[channel], x, y) for channel in order])
    tint = m.a / max(float(m.a.mean()), 0.05)
    rgb *= (tint ** np.float32(0.5))[:, None]
    rgb *= np.float32(0.5) + noise(u / width, v / height, 1.0, 1.0, m.seed)
    border = np.minimum(np.minimum(u, width - u), np.minimum(v, height - v)) < m.share * width
    rgb[:, border] = m.b[:, None]
    return np.minimum(rgb, np.float32(0.95))
