# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Turn light at the sensor into an 8-bit image: lens, noise, clipping and gamma."""

from functools import lru_cache

import cv2
import numpy as np

_GAMMA = 1 / 2.2
_CURVE_STEPS = 4096


def expose(linear_rgb: np.ndarray, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    """
    Take the picture of one frame.

    :param linear_rgb: float32 (H, W, 3) light, 1 is the sensor's white
    :param rng: source of blur, vignetting and noise of this picture
    :param noise: strength of the sensor noise; 0 gives a clean picture
    :return: uint8 (H, W, 3)
    """
    height, width = linear_rgb.shape[:2]
    light: np.ndarray = cv2.GaussianBlur(linear_rgb, (3, 3), float(rng.uniform(0.25, 0.55)))
    light = light * _vignette(height, width, float(rng.uniform(0, 0.25)))
    shot, read = rng.uniform(0.004, 0.02) * noise, rng.uniform(0.0005, 0.004) * noise
    if noise > 0:
        deviation = np.maximum(light, 0)
        deviation *= np.float32(shot**2)
        deviation += np.float32(read**2)
        np.sqrt(deviation, out=deviation)
        deviation *= _standard_normal(light.shape, int(rng.integers(1 << 31)))
        light += deviation
    light *= np.float32(_CURVE_STEPS - 1)
    np.clip(light, 0, _CURVE_STEPS - 1, out=light)
    return _tone_curve().take(light.astype(np.uint16))


def _standard_normal(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return float32 normal noise; OpenCV draws it five times as fast as numpy."""
    cv2.setRNGSeed(seed)
    grain = np.empty(shape, np.float32)
    cv2.randn(grain, np.zeros(1), np.ones(1))
    return grain


@lru_cache(maxsize=1)
def _tone_curve() -> np.ndarray:
    """Return the gamma curve with a soft shoulder at white."""
    light = np.linspace(0, 1, _CURVE_STEPS)
    shoulder = np.minimum(light, 1) * (1.12 - 0.12 * light)
    return np.round(255 * shoulder**_GAMMA).astype(np.uint8)


def _vignette(height: int, width: int, strength: float) -> np.ndarray:
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    return (1 - np.float32(strength / 2) * (x * x + y * y))[..., None]
