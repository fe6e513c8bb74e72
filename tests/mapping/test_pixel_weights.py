# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.pixel_weights import LEAST, pixel_weights
import numpy as np
import pytest

CAMERA = Intrinsics(fx=200.0, fy=200.0, cx=80.0, cy=60.0, width=161, height=121)


def plane(normal_3: tuple[float, float, float], depth_m: float) -> np.ndarray:
    """Return depth of the plane that meets the optical axis at a depth."""
    x_HW, y_HW = CAMERA.rays().numpy()
    normal_3 = np.array(normal_3)
    along = x_HW * normal_3[0] + y_HW * normal_3[1] + normal_3[2]
    return (depth_m * normal_3[2] / along).astype(np.float32)


def true_cosine_squared(normal_3: tuple[float, float, float]) -> np.ndarray:
    x_HW, y_HW = CAMERA.rays().numpy()
    rays = np.stack([x_HW, y_HW, np.ones_like(x_HW)], axis=-1)
    return (rays @ normal_3) ** 2 / (rays**2).sum(-1) / np.square(normal_3).sum()


def test_surface_at_one_metre_that_faces_the_camera_has_weight_one():
    assert pixel_weights(plane((0, 0, 1), 1.0), CAMERA)[60, 80] == pytest.approx(1.0)
    assert pixel_weights(plane((0, 0, 1), 0.5), CAMERA).max() == 1.0


def test_weight_falls_with_the_squared_depth_and_confidence():
    depth_m_HW = plane((0, 0, 1), 4.0)
    confidence_HW = np.full_like(depth_m_HW, 0.5)
    assert pixel_weights(depth_m_HW, CAMERA)[60, 80] == pytest.approx(1 / 16)
    assert pixel_weights(depth_m_HW, CAMERA, confidence_HW)[60, 80] == pytest.approx(1 / 32)


@pytest.mark.parametrize('normal', [(0.5, 0.0, 1.0), (0.0, -0.8, 1.0), (0.6, 0.6, 0.7)])
def test_weight_falls_with_the_squared_cosine_at_every_pixel(normal):
    depth_m_HW = plane(normal, 2.0)
    expected = np.clip(true_cosine_squared(normal) / depth_m_HW**2, LEAST, 1.0)
    inner = np.s_[1:-1, 1:-1]
    assert pixel_weights(depth_m_HW, CAMERA)[inner] == pytest.approx(expected[inner], rel=0.02)


def test_outlines_count_least():
    depth_m_HW = plane((0, 0, 1), 1.0)
    depth_m_HW[:, 80:] = 3.0
    weights_HW = pixel_weights(depth_m_HW, CAMERA)
    assert weights_HW[60, 79] == pytest.approx(LEAST, abs=1e-6)
    assert weights_HW[60, 77] > 0.9


def test_unknown_depth_or_confidence_beside_a_pixel_leaves_a_finite_weight():
    depth_m_HW = plane((0, 0, 1), 1.0)
    depth_m_HW[20:40] = np.nan
    depth_m_HW[50:60] = np.inf
    confidence_HW = np.ones_like(depth_m_HW)
    confidence_HW[70:80] = np.nan
    weights_HW = pixel_weights(depth_m_HW, CAMERA, confidence_HW)
    assert np.isfinite(weights_HW).all()
    assert weights_HW.min() == np.float32(LEAST)
    assert weights_HW.dtype == np.float32
