# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Printed pictures: the spectrum of photographs, a border, and no detail finer than a pixel."""

from itertools import pairwise

from depth_refiner_ros.sources.simulated.render.photographs import _leaves, photo
from depth_refiner_ros.sources.simulated.rooms.materials import Material
import numpy as np
import pytest


def printed(seed: int, footprint_m: float = 0.001, share: float = 0.0) -> np.ndarray:
    """Return a picture of 0.8 x 0.6 m sampled every 4 mm, (3, 150, 200)."""
    y, x = (np.mgrid[:150, :200].astype(np.float32) + 0.5) * 0.004
    tint, border = np.full(3, 0.3, np.float32), np.array([0.8, 0.7, 0.6], np.float32)
    material = Material(kind='photo', a=tint, b=border, extent=(0.8, 0.6), seed=seed, share=share)
    width = np.full(x.size, footprint_m, np.float32)
    return photo(x.ravel(), y.ravel(), width, material).reshape(3, 150, 200)


def test_power_falls_with_the_square_of_the_frequency():
    picture = _leaves()[0].mean(0)
    power = np.abs(np.fft.fft2(picture - picture.mean())) ** 2
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.fftfreq(512)[None])
    bounds = np.geomspace(4 / 512, 0.3, 12)
    found = [
        power[(frequency >= low) & (frequency < high)].mean() for low, high in pairwise(bounds)
    ]
    slope = np.polyfit(np.log(np.sqrt(bounds[1:] * bounds[:-1])), np.log(found), 1)[0]
    assert slope == pytest.approx(-2.0, abs=0.3)


def test_the_picture_of_leaves_has_no_seam():
    picture = _leaves()[0]
    for axis in (1, 2):
        inner = np.abs(np.diff(picture, axis=axis)).mean()
        seam = np.abs(picture.take(0, axis) - picture.take(-1, axis)).mean()
        assert seam < 1.5 * inner


def test_pictures_repeat_differ_and_stay_in_range():
    first = printed(3)
    np.testing.assert_array_equal(first, printed(3))
    assert np.abs(first - printed(4)).mean() > 0.03
    assert 0 <= first.min() <= first.max() <= 0.95


def test_a_border_has_its_color():
    picture = printed(5, share=0.05)
    np.testing.assert_allclose(picture[:, 3, 100], (0.8, 0.7, 0.6))
    np.testing.assert_allclose(picture[:, 75, -4], (0.8, 0.7, 0.6))
    assert picture[:, 75, 100] != pytest.approx((0.8, 0.7, 0.6), abs=1e-3)


def test_detail_finer_than_the_footprint_is_averaged():
    rough = [np.abs(np.diff(printed(7, width), axis=2)).mean() for width in (0.001, 0.02, 0.08)]
    assert rough[0] > 1.3 * rough[1] > 1.3 * rough[2]
