# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is not an image or a depth map is refused in one line."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.images import depth_batch, image_batch
import numpy as np
import pytest


@pytest.mark.parametrize(
    'image', ['x.png', None, [[1]], np.zeros((4, 5)), np.zeros((4, 5, 4)), np.zeros(3)]
)
def test_images(image):
    with pytest.raises(InputError, match=r'an image must be a numpy array of shape .*, not '):
        image_batch(image)
    assert image_batch(np.zeros((4, 5, 3), np.uint8)).shape == (1, 3, 4, 5)


@pytest.mark.parametrize('depth', [2.0, np.zeros((4, 5, 1)), [[1.0]]])
def test_depth_maps(depth):
    with pytest.raises(InputError, match='a depth map must be a numpy array of shape'):
        depth_batch(depth)
    assert depth_batch(np.zeros((4, 5))).shape == (1, 1, 4, 5)
