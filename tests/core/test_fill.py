# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.fill import fill_holes
import pytest
import torch

NAN = math.nan


def test_full_depth_is_given_back_as_it_is():
    depth = torch.rand(1, 1, 5, 7)
    assert fill_holes(depth) is depth


def test_known_pixels_stay_and_everything_else_becomes_finite():
    torch.manual_seed(0)
    depth = 1.0 + torch.rand(2, 1, 37, 53)
    holes = torch.rand(2, 1, 37, 53) < 0.7
    filled = fill_holes(torch.where(holes, NAN, depth))
    assert torch.equal(filled[~holes], depth[~holes])
    assert bool(torch.isfinite(filled).all())
    assert depth.min() - 1e-4 <= filled.min()
    assert filled.max() <= depth.max() + 1e-4


def test_a_constant_continues_into_its_holes():
    depth = torch.full((1, 1, 24, 32), 3.0)
    depth[..., 4:20, 6:30] = NAN
    torch.testing.assert_close(fill_holes(depth), torch.full((1, 1, 24, 32), 3.0))


def test_a_hole_between_two_walls_rises_from_one_to_the_other():
    depth = torch.full((1, 1, 16, 64), NAN)
    depth[..., :8], depth[..., 56:] = 1.0, 2.0
    row = fill_holes(depth)[0, 0, 8]
    assert bool((row.diff() >= -1e-5).all())
    assert abs(float(row[32]) - 1.5) < 0.15


def test_narrow_images_are_filled_too(subtests):
    for shape in [(1, 5), (5, 1), (1, 64), (4, 256), (1, 1)]:
        with subtests.test(shape=shape):
            depth = torch.full((1, 1, *shape), NAN)
            depth[..., -1, -1] = 5.0
            torch.testing.assert_close(fill_holes(depth), torch.full((1, 1, *shape), 5.0))


def test_an_image_that_knows_nothing_does_not_touch_the_others():
    depth = torch.stack([torch.full((1, 8, 8), NAN), torch.full((1, 8, 8), 4.0)])
    filled = fill_holes(depth, empty_m=1.5)
    assert bool((filled[0] == 1.5).all())
    assert bool((filled[1] == 4.0).all())


def test_infinity_is_a_hole():
    depth = torch.tensor([[[[2.0, math.inf], [-math.inf, 2.0]]]])
    torch.testing.assert_close(fill_holes(depth), torch.full((1, 1, 2, 2), 2.0))


@pytest.mark.parametrize(
    'wrong',
    [torch.zeros(4, 4), torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.int32)],
)
def test_what_is_no_map_is_refused(wrong):
    with pytest.raises(InputError, match='depth: expected'):
        fill_holes(wrong)
