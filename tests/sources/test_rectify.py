# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Coefficients of lenses are used, nonsense is refused with its values."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.rectify import camera_of, Rectifier
import numpy as np
import pytest

CAMERA = Intrinsics.from_fov(64, 48, 60.0)
WIDE = Intrinsics.from_fov(64, 48, 110.0)
FREIBURG1 = Intrinsics(fx=51.73, fy=51.65, cx=31.86, cy=25.53, width=64, height=48)


@pytest.mark.parametrize(
    ('camera', 'coefficients', 'model'),
    [
        (FREIBURG1, (0.2624, -0.9531, -0.0054, 0.0026, 1.1633), 'plumb_bob'),
        (CAMERA, (-0.3, 0.1, 0.0, 0.0), 'plumb_bob'),
        (WIDE, (-0.25, 0.05, 0.0, 0.0, 0.0), 'plumb_bob'),
        (WIDE, (-0.02, 0.003, -0.001, 0.0), 'equidistant'),
    ],
)
def test_coefficients_of_lenses_pass(camera, coefficients, model):
    image = np.full((48, 64, 3), 200, np.uint8)
    seen = Rectifier(camera_of(camera, coefficients, model=model)).rgb(image)
    assert (seen == 200).mean() > 0.85


@pytest.mark.parametrize(
    ('camera', 'coefficients', 'model', 'words'),
    [
        (CAMERA, (1e3, 1e3, 0.0, 0.0, 0.0), 'plumb_bob', '1000 1000 0 0 0 leaves 2% of the imag'),
        (CAMERA, (-50.0, 0.0, 0.0, 0.0), '', '-50 0 0 0 leaves 1.% .*: plumb_bob takes k1 k2 p1'),
        (FREIBURG1, (0.2624, -0.9531, 1.1633, -0.0054, 0.0026), 'plumb_bob', 'check .* order'),
        (WIDE, (10.0, 0.0, 0.0, 0.0), 'equidistant', r'leaves 1.% .*: equidistant takes k1 k2 k3'),
        (CAMERA, (1e300, 1.0, 1.0, 1.0), 'plumb_bob', r'1e[+]300 1 1 1 leaves 0%'),
        (CAMERA, (0.1, 0.2, 0.3), 'plumb_bob', '0.1 0.2 0.3 has 3 coefficients, but plumb_bob ta'),
        (CAMERA, (0.1, 0.2), 'equidistant', 'has 2 coefficients, but equidistant takes k1 k2 k3'),
        (CAMERA, (0.1, 0.2), 'omni', "distortion model 'omni' is not supported; use plumb_bob"),
    ],
)
def test_nonsense_is_refused_with_its_values_and_the_order(camera, coefficients, model, words):
    with pytest.raises(SourceError, match=words):
        Rectifier(camera_of(camera, coefficients, model=model))


@pytest.mark.parametrize('k1', [-0.2, 0.2])
def test_it_says_which_pixels_the_camera_saw(k1):
    white = np.full((48, 64, 3), 255, np.uint8)
    rectifier = Rectifier(camera_of(WIDE, (k1, 0.0, 0.0, 0.0)))
    bright_HW = rectifier.rgb(white)[..., 0] >= 128
    seen_HW = np.ones((48, 64), bool) if rectifier.seen_HW is None else rectifier.seen_HW
    assert (rectifier.seen_HW is None) == (k1 < 0)
    assert (seen_HW != bright_HW).mean() < 0.01, 'half a pixel at the border'
    assert Rectifier(WIDE).seen_HW is None
