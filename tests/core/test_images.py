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


def test_arrays_as_other_libraries_give_them():
    image = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    fixed = image.copy()
    fixed.setflags(write=False)  # as of PIL; torch warns, and a warning fails
    assert image_batch(fixed).equal(image_batch(image))
    assert image_batch((image / 255).astype('>f8')).equal(image_batch(image / 255))
    depth = np.linspace(1.0, 2.0, 20, dtype=np.float32).reshape(4, 5)
    assert depth_batch(depth.astype('>f4')).equal(depth_batch(depth)), 'as of PFM files'


def test_masked_depth_is_unknown():
    depth = np.ma.masked_greater(np.array([[1.0, 99.0]], np.float32), 50.0)
    found = depth_batch(depth)[0, 0]
    assert found[0, 0] == 1.0
    assert found[0, 1].isnan()
    assert depth.data[0, 1] == 99.0, 'the array of the caller stays as it is'


@pytest.mark.parametrize('kind', [object, 'U3', np.longdouble, 'M8[s]'])
def test_values_that_are_no_numbers_of_torch(kind):
    with pytest.raises(InputError, match='convert it to float32'):
        depth_batch(np.zeros((2, 2)).astype(kind))
