# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
import numpy as np
import pytest
import torch

CAMERA = Intrinsics(fx=500.0, fy=510.0, cx=319.5, cy=239.5, width=640, height=480)


def project(camera, x, y, z):
    return camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy


def test_field_of_view_meets_the_image_border():
    camera = Intrinsics.from_fov(640, 480, 90.0)
    assert camera.fx == camera.fy == pytest.approx(320.0)
    assert (camera.cx, camera.cy) == (319.5, 239.5)
    # The ray at 45 degrees leaves through the outer side of the last pixel, half a pixel out.
    assert project(camera, 1.0, 0.0, 1.0)[0] == pytest.approx(639.5)


def test_resize_maps_pixel_centres_by_the_half_pixel_rule():
    half = CAMERA.resized(320, 240)
    assert (half.fx, half.fy, half.cx, half.cy) == pytest.approx((250.0, 255.0, 159.5, 119.5))
    column, row = project(CAMERA, 0.3, -0.2, 2.0)
    assert project(half, 0.3, -0.2, 2.0) == pytest.approx(
        ((column + 0.5) / 2 - 0.5, (row + 0.5) / 2 - 0.5)
    )


def test_resize_there_and_back_changes_nothing():
    back = CAMERA.resized(1022, 766).resized(640, 480)
    assert (back.fx, back.fy, back.cx, back.cy) == pytest.approx(
        (CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)
    )


def test_resize_agrees_with_torch_interpolation():
    # The column coordinate itself, resampled, must give each new pixel's old coordinate.
    columns = torch.arange(8.0).expand(1, 1, 4, 8)
    small = torch.nn.functional.interpolate(columns, size=(4, 4), mode='area')[0, 0, 0]
    camera = Intrinsics(fx=1.0, fy=1.0, cx=0.0, cy=0.0, width=8, height=4).resized(4, 4)
    found = [(new - camera.cx) / camera.fx for new in range(4)]
    assert found == pytest.approx(small.tolist())


def test_a_principal_point_that_lets_the_camera_look_aside_is_refused():
    """Rays of this slope would make a map of kilometres from depth of metres."""
    with pytest.raises(InputError, match=r'cx = 200000 px is implausibly far .* fx = 100 px'):
        Intrinsics(fx=100.0, fy=100.0, cx=2e5, cy=23.5, width=64, height=48)


def test_crop_shifts_the_principal_point_only():
    crop = CAMERA.cropped(100, 50, 300, 200)
    assert (crop.fx, crop.fy, crop.cx, crop.cy) == (500.0, 510.0, 219.5, 189.5)
    assert (crop.width, crop.height) == (300, 200)


def test_binning_crops_the_remainder_then_resizes():
    camera = Intrinsics(fx=100.0, fy=100.0, cx=50.0, cy=30.0, width=101, height=61)
    binned = camera.binned(2, 0)
    assert (binned.width, binned.height) == (50, 61)
    assert (binned.fx, binned.cx) == pytest.approx((50.0, 24.75))
    assert (binned.fy, binned.cy) == pytest.approx((100.0, 30.0))


def test_flip_mirrors_the_rays():
    camera = Intrinsics(fx=100.0, fy=100.0, cx=10.0, cy=30.0, width=64, height=48)
    torch.testing.assert_close(camera.flipped().rays()[0].flip(-1), -camera.rays()[0])


def test_rays_invert_the_matrix():
    rays = CAMERA.rays()
    assert rays.shape == (2, 480, 640)
    pixel = CAMERA.matrix() @ np.array([*rays[:, 7, 11].tolist(), 1.0])
    assert pixel.tolist() == pytest.approx([11.0, 7.0, 1.0], abs=1e-4)


def test_uncalibrated_cameras_are_refused(subtests):
    cases = [
        ({'fx': 0.0}, 'fx = 0.0 must be positive'),
        ({'fy': -1.0}, 'fy = -1.0 must be positive'),
        ({'cx': math.nan}, 'cx = nan is not a number'),
        ({'cy': math.inf}, 'cy = inf is not a number'),
        ({'width': 0}, 'width = 0 must be positive'),
    ]
    for change, message in cases:
        with subtests.test(change=change):
            values = {'fx': 1.0, 'fy': 1.0, 'cx': 0.0, 'cy': 0.0, 'width': 4, 'height': 4}
            with pytest.raises(InputError, match=message):
                Intrinsics(**{**values, **change})


def test_crops_outside_the_image_are_refused(subtests):
    cases = [(-1, 0, 10, 10), (0, 0, 641, 10), (600, 0, 41, 10), (0, 470, 10, 11)]
    for crop in cases:
        with subtests.test(crop=crop), pytest.raises(InputError, match='leaves the 640x480 image'):
            CAMERA.cropped(*crop)


def test_impossible_fields_of_view_are_refused(subtests):
    for angle in [0.0, 180.0, -5.0, math.nan]:
        with subtests.test(angle=angle), pytest.raises(InputError, match='field of view'):
            Intrinsics.from_fov(640, 480, angle)
