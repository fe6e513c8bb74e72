# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Patterns at known places, their contrast, and their fading where pixels cannot resolve them."""

from depth_refiner_ros.sources.simulated.render.noise import noise, sampled
from depth_refiner_ros.sources.simulated.render.textures import albedo, TEXTURES
from depth_refiner_ros.sources.simulated.rooms.materials import Kit, linear, Material
import numpy as np
import pytest

BLACK, WHITE = np.zeros(3, np.float32), np.ones(3, np.float32)
PALETTE = np.array([[0, 0, 0], [1, 1, 1], [0.5, 0, 0]], np.float32)
RNG = np.random.default_rng(0)


def paint(kind: str, u, v, footprint=1e-4, **values) -> np.ndarray:
    material = Material(kind=kind, a=BLACK, b=WHITE, palette=PALETTE, seed=5, **values)
    uv = np.stack([np.asarray(u, np.float32), np.asarray(v, np.float32)])
    count = uv.shape[1]
    return albedo(
        np.zeros(count, np.int16), uv, np.full(count, footprint, np.float32), [material]
    ).T


def test_checker_alternates():
    u, v = [0.05, 0.15, 0.05, 0.15], [0.05, 0.05, 0.15, 0.15]
    rgb = paint('checker', u, v)[:, 0]
    np.testing.assert_allclose(rgb, [1, 0, 0, 1], atol=1e-4)


def test_stripes_keep_their_share():
    u = np.linspace(0, 1, 10_000, endpoint=False)
    assert paint('stripes', u, u * 0, share=0.3)[:, 0].mean() == pytest.approx(0.3, abs=2e-3)


def test_edge_is_as_wide_as_the_pixel():
    # A stripe begins at u = 0.1; halfway across it a pixel of 10 mm sees half of each.
    u = np.array([0.094, 0.0975, 0.1, 0.1025, 0.106])
    np.testing.assert_allclose(
        paint('stripes', u, u * 0, 0.01)[:, 0], [0, 0.25, 0.5, 0.75, 1], atol=1e-3
    )


def test_tiles_have_joints():
    inside = paint('tiles', [0.05], [0.05], share=0.04, variation=0.0)
    joint = paint('tiles', [0.001], [0.05], share=0.04, variation=0.0)
    np.testing.assert_allclose(inside, 0, atol=1e-6)
    np.testing.assert_allclose(joint, 1, atol=1e-4)


def test_textures_have_contrast_and_stay_in_range(subtests):
    for kind in sorted(set(TEXTURES) - {'plain'}):
        with subtests.test(kind=kind):
            u, v = RNG.uniform(0, 1, (2, 4000))
            rgb = paint(kind, u, v, share=0.3)
            assert rgb.shape == (4000, 3)
            assert rgb.dtype == np.float32
            assert rgb.std(0).max() > 0.03
            assert rgb.min() > -0.05
            assert rgb.max() < 2.0
            np.testing.assert_array_equal(rgb, paint(kind, u, v, share=0.3))


def test_unresolved_patterns_fade(subtests):
    cases = ['checker', 'stripes', 'tiles', 'plaid', 'dots', 'weave', 'speckle']
    for kind in cases:
        with subtests.test(kind=kind):
            u, v = RNG.uniform(0, 3, (2, 4000))
            near, far = (
                paint(kind, u, v, footprint, share=0.3)[:, 0].std() for footprint in (1e-4, 2.0)
            )
            assert far < 0.5 * near


def test_points_of_many_materials_keep_their_order():
    shades = [
        Material(kind='plain', a=np.full(3, value, np.float32), b=BLACK)
        for value in (0.1, 0.2, 0.3)
    ]
    index = RNG.integers(0, 3, 500).astype(np.int16)
    rgb = albedo(index, np.zeros((2, 500), np.float32), np.ones(500, np.float32), shades)
    np.testing.assert_allclose(rgb[1], np.array([0.1, 0.2, 0.3])[index], atol=1e-7)


def test_noise_is_uniform_and_smooth():
    u, v = RNG.uniform(-20, 20, (2, 20_000)).astype(np.float32)
    value = noise(u, v, 0.5, 0.5, 3)
    np.testing.assert_allclose(np.quantile(value, [0.1, 0.5, 0.9]), [0.1, 0.5, 0.9], atol=0.03)
    step = np.abs(noise(u + np.float32(1e-4), v, 0.5, 0.5, 3) - value)
    assert np.quantile(step, 0.99) < 0.02


def test_look_up_of_any_number_of_points(subtests):
    for count in [1, 4096, 4097, 10_000]:
        with subtests.test(count=count):
            image = np.arange(12, dtype=np.float32).reshape(3, 4)
            x, y = np.full(count, 1.5, np.float32), np.full(count, 1.0, np.float32)
            np.testing.assert_allclose(sampled(image, x, y), np.full(count, 5.5), atol=1e-5)


def test_most_walls_and_floors_give_edges_without_depth():
    kit = Kit(np.random.default_rng(4))
    chosen = [kit.materials[kit.floor()].kind for _ in range(200)]
    assert len(set(chosen)) >= 6
    assert np.mean([kind == 'plain' for kind in chosen]) < 0.1


def test_linear_light_of_srgb():
    np.testing.assert_allclose(linear((0, 255, 128)), [0, 1, 0.2195], atol=1e-3)
