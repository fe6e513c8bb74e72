# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Smooth noise and random numbers of cells, from tables that are the same in every run."""

from functools import lru_cache

import cv2
import numpy as np

_NOISE_SIZE = 512
_TEXELS_PER_PERIOD = 48
_ROW = 4096


@lru_cache(maxsize=1)
def _noise_table() -> np.ndarray:
    """Return a periodic many-octave noise image with uniform values in 0..1."""
    size = _NOISE_SIZE
    white = np.random.default_rng(7).standard_normal((size, size))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None])
    lowest = 1 / (2 * _TEXELS_PER_PERIOD)
    shaped = np.fft.ifft2(np.fft.fft2(white) / np.maximum(frequency, lowest) ** 1.5).real
    ranks = np.empty(size * size, np.float32)
    ranks[np.argsort(shaped, axis=None)] = np.linspace(0, 1, size * size, dtype=np.float32)
    return ranks.reshape(size, size)


@lru_cache(maxsize=1)
def _hash_table() -> np.ndarray:
    return np.random.default_rng(11).random(1 << 14, dtype=np.float32)


def noise(u: np.ndarray, v: np.ndarray, period_u: float, period_v: float, seed: int) -> np.ndarray:
    """Return many-octave noise in 0..1 whose largest blobs are about one period wide."""
    folded = []
    for values, period, golden in ((u, period_u, 0.618), (v, period_v, 0.414)):
        turns = values * np.float32(_TEXELS_PER_PERIOD / period / _NOISE_SIZE)
        turns += np.float32((seed * golden) % 1.0)
        folded.append((turns - np.floor(turns)) * np.float32(_NOISE_SIZE))
    return sampled(_noise_table(), *folded)


def sampled(image_YX: np.ndarray, x_N: np.ndarray, y_N: np.ndarray) -> np.ndarray:
    """Look up an image at many places, bilinear and periodic; OpenCV wants them as a block."""
    count = len(x_N)
    rows = -(-count // _ROW)
    columns = count if rows == 1 else _ROW
    maps = np.zeros((2, rows * columns), np.float32)
    maps[0, :count], maps[1, :count] = x_N, y_N
    looked_up = cv2.remap(
        image_YX,
        maps[0].reshape(rows, columns),
        maps[1].reshape(rows, columns),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return looked_up.reshape(-1)[:count]


def cell_value(i: np.ndarray, j: np.ndarray, seed: int) -> np.ndarray:
    """Return a random number in 0..1 for each integer cell."""
    index = i.astype(np.int32) * 7919 + j.astype(np.int32) * 5051 + (seed % 16384)
    return _hash_table()[index & 16383]
