# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rays of lenses against OpenCV, their own projection and formulas worked out by hand."""

import math

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Lens
from depth_refiner_ros.core.pointcloud import CloudBuilder
import numpy as np
import pytest
import torch

MATRIX = Intrinsics(fx=19.0, fy=19.2, cx=31.8, cy=24.1, width=64, height=48)
NARROW = Intrinsics(fx=50.0, fy=51.0, cx=31.8, cy=24.1, width=64, height=48)
VIEW = Intrinsics.from_fov(64, 48, 100.0)
FISHEYE = (0.01, -0.003, 0.0004, -0.0001)
BARREL = (-0.3, 0.1, 0.001, -0.002, 0.0)


def lens(model='equidistant', coefficients=FISHEYE, matrix=MATRIX) -> Lens:
    return Lens(model=model, matrix=matrix, coefficients=coefficients, view=VIEW)


LENSES = {
    'fisheye of 192 deg': lens(),
    'fisheye without coefficients': lens(coefficients=(0.0,) * 4),
    'fisheye that turns back': lens(coefficients=(-0.02, 0.003, -0.001, 0.0)),
    'plumb_bob': lens('plumb_bob', BARREL, NARROW),
    'rational_polynomial': lens(
        'rational_polynomial', (0.2, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0), NARROW
    ),
    'panorama': Lens.panorama(64, 32),
    'part of a panorama': Lens.panorama(64, 32, 200.0, 90.0),
}


def pixels(camera):
    return np.meshgrid(np.arange(float(camera.width)), np.arange(float(camera.height)))


@pytest.mark.parametrize('camera', LENSES.values(), ids=LENSES)
def test_a_ray_is_of_length_one_and_seen_at_its_pixel(camera):
    columns, rows = pixels(camera)
    rays_3HW, seen_HW = camera.rays_at(columns, rows)
    np.testing.assert_allclose(np.linalg.norm(rays_3HW, axis=0), 1.0, atol=1e-12)
    assert seen_HW.mean() > 0.9
    for distance_m in (0.3, 20.0):
        places_N2 = camera.project(distance_m * rays_3HW[:, seen_HW].T)
        wanted_N2 = np.stack((columns[seen_HW], rows[seen_HW]), -1)
        np.testing.assert_allclose(places_N2, wanted_N2, atol=1e-6)
    kept_3HW = camera.rays()
    assert kept_3HW.dtype == np.float32
    np.testing.assert_array_equal(np.isfinite(kept_3HW).all(axis=0), seen_HW)
    np.testing.assert_allclose(kept_3HW[:, seen_HW], rays_3HW[:, seen_HW], atol=1e-7)


def test_a_fisheye_is_that_of_opencv_where_opencv_goes():
    columns, rows = pixels(MATRIX)
    rays_3HW, _ = lens().rays_at(columns, rows)
    ahead_HW = rays_3HW[2] > math.cos(math.radians(80.0))
    assert 0.4 < ahead_HW.mean() < 0.9
    places_N2 = np.stack((columns, rows), -1)[ahead_HW]
    wanted_N2 = cv2.fisheye.undistortPoints(places_N2[None], MATRIX.matrix(), np.array(FISHEYE))[0]
    np.testing.assert_allclose((rays_3HW[:2] / rays_3HW[2])[:, ahead_HW].T, wanted_N2, atol=1e-9)


def test_a_fisheye_without_coefficients_turns_with_the_distance_from_its_centre():
    quarter = math.pi / 2 * MATRIX.fx
    columns = np.array([[MATRIX.cx, MATRIX.cx + quarter, MATRIX.cx - quarter, 1.5 * quarter]])
    rays_3hw, seen_hw = lens(coefficients=(0.0,) * 4).rays_at(columns, np.full((1, 4), MATRIX.cy))
    angle = (1.5 * quarter - MATRIX.cx) / MATRIX.fx
    wanted = [[0.0, 1.0, -1.0, math.sin(angle)], [0.0] * 4, [1.0, 0.0, 0.0, math.cos(angle)]]
    np.testing.assert_allclose(rays_3hw[:, 0], wanted, atol=1e-12)
    assert seen_hw.all()


def test_there_is_no_ray_where_the_polynomial_has_turned_back():
    k1 = -0.2  # r = a - 0.2 a^3 turns back at a = sqrt(1 / 0.6), where r = 0.86
    camera = lens(coefficients=(k1, 0.0, 0.0, 0.0))
    last = math.sqrt(1.0 / 0.6)
    radius = (last + k1 * last**3) * MATRIX.fx
    columns = MATRIX.cx + np.array([[radius - 0.01, radius + 0.01, 3.0 * radius]])
    rays_3hw, seen_hw = camera.rays_at(columns, np.full((1, 3), MATRIX.cy))
    assert seen_hw.tolist() == [[True, False, False]]
    assert rays_3hw[2, 0, 1:] == pytest.approx(math.cos(last), abs=1e-6), 'the last ray'
    corner_3 = camera.rays()[:, 0, 0]
    assert np.isnan(corner_3).all()


def test_a_panorama_looks_ahead_in_its_middle_and_around():
    rays_3HW = Lens.panorama(360, 180).rays()
    degree = math.radians(0.5)
    np.testing.assert_allclose(
        rays_3HW[:, 90, 180],
        (math.sin(degree) * math.cos(degree), math.sin(degree), math.cos(degree) ** 2),
        atol=1e-6,
    )
    assert rays_3HW[0, 90, 270] > 0.999, 'a quarter to the right is right'
    assert rays_3HW[2, 90, 0] < -0.999, 'the border is behind'
    assert rays_3HW[1, 179, 10] > 0.999, 'the last row is below'


@pytest.mark.parametrize(
    ('camera', 'fov_deg'),
    [
        (Lens.panorama(64, 32), 360.0),
        (Lens.panorama(64, 32, 200.0, 90.0), 200.0),
        (lens(coefficients=(0.0,) * 4), math.degrees(64 / 19.0)),
    ],
)
def test_the_field_of_view(camera, fov_deg):
    assert camera.fov_deg == pytest.approx(fov_deg, abs=0.1)


def test_a_resized_image_has_the_rays_of_its_places():
    camera = lens()
    half = camera.resized(32, 24)
    between, _ = camera.rays_at(*np.meshgrid(np.arange(0.5, 64, 2), np.arange(0.5, 48, 2)))
    np.testing.assert_allclose(half.rays_at(*pixels(half))[0], between, atol=1e-12)
    assert (half.view.width, half.view.height) == (32, 24)
    wider = camera.extended(70, 50)
    assert (wider.width, wider.height) == (70, 50)
    np.testing.assert_array_equal(wider.rays()[:, :48, :64], camera.rays())


@pytest.mark.parametrize(
    ('model', 'coefficients', 'words'),
    [
        ('omni', (), "distortion model 'omni' is not supported; use plumb_bob"),
        ('equidistant', (0.1, 0.2), '0.1 0.2 has 2 coefficients, but equidistant takes k1 k2 k3'),
        ('plumb_bob', (0.1,), '0.1 has 1 coefficients, but plumb_bob takes k1 k2 p1 p2'),
        ('equirectangular', (0.1,), '0.1 has 1 coefficients, but equirectangular takes none'),
    ],
)
def test_what_is_no_lens_is_refused(model, coefficients, words):
    with pytest.raises(InputError, match=words):
        lens(model, coefficients)


def test_a_panorama_of_more_than_all_is_refused():
    with pytest.raises(InputError, match='panorama: 200 deg down must be above 0 and at most 180'):
        Lens.panorama(64, 32, 360.0, 200.0)


@pytest.mark.parametrize('stride', [1, 3])
def test_points_of_a_cloud_lie_along_the_rays(stride):
    camera = lens(coefficients=(-0.2, 0.0, 0.0, 0.0))
    depth_m_HW = 1.0 + torch.rand(48, 64)
    depth_m_HW[24, 33] = torch.nan
    builder = CloudBuilder(camera, stride)
    points = builder.build(depth_m_HW, torch.zeros(48, 64, 3, dtype=torch.uint8))[..., :3]
    assert tuple(points.shape[:2]) == (builder.height, builder.width)
    wanted = (depth_m_HW * torch.tensor(camera.rays())).permute(1, 2, 0)[::stride, ::stride]
    torch.testing.assert_close(points, wanted, equal_nan=True)
    assert 0.2 < float(torch.isnan(points[..., 2]).float().mean()) < 0.8
