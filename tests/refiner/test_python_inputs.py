# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calls from Python with inputs of foreign types and shapes, and depth without any relief."""

from depth_refiner_ros import DepthRefiner
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.images import depth_batch, image_batch
import numpy as np
import pytest

RGB = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


@pytest.fixture(scope='module')
def refiner():
    return DepthRefiner.load(prior='sensor')


def test_a_field_of_view_of_any_number_type_serves(refiner):
    depth = np.full((48, 64), 2.0, np.float32)
    for camera in (60, 60.0, np.float32(60), np.int64(60)):
        assert refiner(RGB, camera, sensor_depth_m_HW=depth).shape == (48, 64)


@pytest.mark.parametrize('camera', ['60', (500, 500, 80, 60), {}])
def test_another_camera_is_refused(refiner, camera):
    with pytest.raises(InputError, match='must be Intrinsics, a Lens, a horizontal field of view'):
        refiner(RGB, camera, sensor_depth_m_HW=np.ones((48, 64)))


def test_depth_of_another_view_is_refused(refiner):
    with pytest.raises(InputError, match='sensor depth is 160x10, its image 64x48; register'):
        refiner(RGB, 60.0, sensor_depth_m_HW=np.ones((10, 160), np.float32))
    assert refiner(RGB, 60.0, sensor_depth_m_HW=np.ones((24, 32), np.float32)).shape == (48, 64)


def test_a_flat_wall_that_was_measured_is_trusted(refiner):
    wall = depth_batch(np.full((48, 64), 2.0, np.float32))
    result = refiner.refine(image_batch(RGB), None, sensor_depth_m_B1HW=wall)
    assert float((result.depth_m_B1HW - 2.0).abs().max()) < 0.1
    assert float(result.confidence_B1HW.min()) > 0.8
