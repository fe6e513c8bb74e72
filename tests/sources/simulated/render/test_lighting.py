# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Light at hand-made points: highlights, shadows, and lighting piece by piece."""

from depth_refiner_ros.sources.simulated.render import lighting
from depth_refiner_ros.sources.simulated.render.lighting import arriving_light
from depth_refiner_ros.sources.simulated.rooms.light_sources import Lamp, Lighting
import numpy as np
import pytest

RNG = np.random.default_rng(3)


def room(*lamps: Lamp) -> Lighting:
    """Return a room so wide that no corner is near, lit only by lamps."""
    return Lighting(
        np.zeros(3, np.float32),
        lamps,
        None,
        np.full(3, 1e4, np.float32),
        np.zeros((2, 2), np.float32),
    )


def unit(vectors_3N: np.ndarray) -> np.ndarray:
    return (vectors_3N / np.linalg.norm(vectors_3N, axis=0)).astype(np.float32)


def points(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places around (5000, 5000, 5000), unit normals, and directions to the eye."""
    normals, to_eye = unit(RNG.normal(size=(3, count))), unit(RNG.normal(size=(3, count)))
    to_eye *= np.sign((normals * to_eye).sum(0))
    return (5000 + RNG.uniform(-1, 1, (3, count))).astype(np.float32), normals, to_eye


def unhindered(origins_3N, vectors_3N):
    return np.zeros(origins_3N.shape[1], bool)


def test_light_and_highlight_follow_lambert_and_blinn():
    where, normals, to_eye = points(500)
    lamp = Lamp(np.array([5002, 5001, 5003], np.float32), np.array([1, 2, 4], np.float32), False)
    light, shine = arriving_light(room(lamp), where, normals, to_eye, unhindered)
    to_lamp = lamp.position_3[:, None].astype(float) - where
    squared = (to_lamp**2).sum(0)
    to_lamp /= np.sqrt(squared)
    cosine = np.maximum((to_lamp * normals).sum(0), 0)
    # Light starts 2 mm above the surface.
    np.testing.assert_allclose(light[1], 2 * cosine / (squared + 0.25), atol=1e-3)
    halfway = (to_lamp + to_eye) / np.linalg.norm(to_lamp + to_eye, axis=0)
    spot = np.maximum((halfway * normals).sum(0), 0) ** 32 * 0.6 * (cosine > 0)
    assert spot.max() > 0.5
    np.testing.assert_allclose(shine[2], 4 * spot, atol=2e-2)


def test_light_straight_behind_the_surface_is_dark_and_finite():
    where, normals = np.full((3, 1), 5000, np.float32), np.array([[0], [0], [1]], np.float32)
    lamp = Lamp(np.array([5000, 5000, 4999], np.float32), np.ones(3, np.float32), False)
    light, shine = arriving_light(room(lamp), where, normals, normals, unhindered)
    assert (light == 0).all()
    assert (shine == 0).all()


def test_only_surfaces_that_face_a_lamp_are_tested_for_shadows():
    where, normals, to_eye = points(400)
    lamps = [
        Lamp(np.array([5000, 5000, 5009], np.float32), np.ones(3, np.float32), shadows)
        for shadows in (True, False)
    ]
    asked = []

    def dark(origins_3N, vectors_3N):
        asked.append(origins_3N.shape[1])
        return np.ones(origins_3N.shape[1], bool)

    light, _ = arriving_light(room(*lamps), where, normals, to_eye, dark)
    alone, _ = arriving_light(room(lamps[1]), where, normals, to_eye, dark)
    np.testing.assert_array_equal(light, alone)
    assert asked == [pytest.approx((alone[0] > 0).sum(), abs=1)]


def test_points_are_lit_alike_in_any_piece(monkeypatch):
    where, normals, to_eye = points(1000)
    lamp = Lamp(np.array([5001, 5002, 5003], np.float32), np.ones(3, np.float32), True)
    whole = arriving_light(room(lamp), where, normals, to_eye, unhindered)
    monkeypatch.setattr(lighting, '_PIECE', 300)
    for expected, pieces in zip(
        whole, arriving_light(room(lamp), where, normals, to_eye, unhindered)
    ):
        np.testing.assert_allclose(pieces, expected, atol=1e-5)
