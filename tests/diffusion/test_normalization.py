# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools
import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.diffusion.normalization import DepthNormalizer, FARTHEST_M, RANGES, SPACES
import numpy as np
import pytest
import torch


def depth(batch=2, height=13, width=17, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.5 + 7.5 * torch.rand(batch, 1, height, width, generator=generator)


def everywhere(maps):
    return torch.ones_like(maps, dtype=torch.bool)


def test_metres_come_back(subtests):
    for space, range_ in itertools.product(SPACES, RANGES):
        with subtests.test(space=space, range_=range_):
            normalizer = DepthNormalizer(space=space, range=range_, clip=False)
            metres = depth()
            normalized = normalizer.normalize(metres, everywhere(metres))
            back = normalizer.denormalize(normalized.unit_B1HW, normalized)
            torch.testing.assert_close(back, metres, rtol=2e-5, atol=1e-5)


def test_applying_the_map_to_the_same_depth_gives_the_same_values(subtests):
    for space, range_ in itertools.product(SPACES, RANGES):
        with subtests.test(space=space, range_=range_):
            normalizer = DepthNormalizer(space=space, range=range_, clip=False)
            metres = depth()
            normalized = normalizer.normalize(metres, everywhere(metres))
            torch.testing.assert_close(normalizer.apply(metres, normalized), normalized.unit_B1HW)


def test_constant_depth_is_zero_and_comes_back(subtests):
    for space, range_ in itertools.product(SPACES, [name for name in RANGES if name != 'none']):
        with subtests.test(space=space, range_=range_):
            normalizer = DepthNormalizer(space=space, range=range_)
            metres = torch.full((1, 1, 6, 8), 2.5)
            normalized = normalizer.normalize(metres, everywhere(metres))
            torch.testing.assert_close(
                normalized.unit_B1HW, torch.zeros_like(metres), atol=1e-6, rtol=0
            )
            torch.testing.assert_close(
                normalizer.denormalize(normalized.unit_B1HW, normalized), metres
            )


def test_minmax_by_hand():
    metres = torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]])
    normalized = DepthNormalizer(range='minmax').normalize(metres, everywhere(metres))
    expected = torch.tensor([[[[-1.0, -0.5], [0.0, 1.0]]]])
    torch.testing.assert_close(normalized.unit_B1HW, expected)


def test_without_a_range_values_stay_as_they_are():
    values = torch.tensor([[[[0.0, 0.3], [11.0, 42.5]]]])
    normalizer = DepthNormalizer(space='depth', range='none')
    normalized = normalizer.normalize(values, everywhere(values))
    assert torch.equal(normalized.unit_B1HW, values)  # neither scaled nor clipped
    assert torch.equal(normalizer.denormalize(values, normalized), values)


def test_centre_keeps_relative_steps_in_log_space():
    metres = torch.tensor([[[[1.0, 1.1]]], [[[10.0, 11.0]]]])
    unit = (
        DepthNormalizer(space='log', range='centre')
        .normalize(metres, everywhere(metres))
        .unit_B1HW
    )
    torch.testing.assert_close(unit[0], unit[1])
    torch.testing.assert_close(unit[0, 0, 0].diff(), torch.tensor([math.log(1.1)]))


def test_quantiles_are_numpys():
    metres = depth(3)
    normalized = DepthNormalizer(range='quantile').normalize(metres, everywhere(metres))
    for image, offset, scale in zip(metres, normalized.offset_B111, normalized.scale_B111):
        low, high = np.quantile(image.double().numpy(), [0.02, 0.98])
        np.testing.assert_allclose(float(offset), (low + high) / 2, rtol=1e-5)
        np.testing.assert_allclose(float(scale), 2 / (high - low), rtol=1e-5)
    assert float(normalized.unit_B1HW.min()) == -1.0
    assert float(normalized.unit_B1HW.max()) == 1.0


def test_quantiles_of_valid_pixels_are_numpys_whatever_the_others_hold():
    metres = depth(2, 60, 70)
    valid = metres > torch.tensor([3.0, 6.0]).view(2, 1, 1, 1)
    spoilt = torch.where(valid, metres, math.nan)
    normalized = DepthNormalizer(range='quantile').normalize(spoilt, valid)
    for image, mask, offset, scale in zip(
        metres, valid, normalized.offset_B111, normalized.scale_B111
    ):
        low, high = np.quantile(image[mask].double().numpy(), [0.02, 0.98])
        np.testing.assert_allclose(float(offset), (low + high) / 2, rtol=1e-6)
        np.testing.assert_allclose(float(scale), 2 / (high - low), rtol=1e-5)


def test_quantiles_of_large_images_come_from_every_nth_pixel():
    ramp = torch.arange(3_000_000.0).view(1, 1, 1500, 2000)
    normalized = DepthNormalizer(range='quantile').normalize(ramp, everywhere(ramp))
    np.testing.assert_allclose(float(normalized.offset_B111), 1.5e6, rtol=1e-5)
    np.testing.assert_allclose(float(normalized.scale_B111), 2 / (0.96 * 3e6), rtol=1e-5)


def test_without_clipping_quantile_tails_stand_out():
    metres = depth()
    unit = (
        DepthNormalizer(range='quantile', clip=False)
        .normalize(metres, everywhere(metres))
        .unit_B1HW
    )
    assert float(unit.min()) < -1.0
    assert float(unit.max()) > 1.0


def test_invalid_pixels_do_not_set_the_range(subtests):
    for range_ in RANGES:
        with subtests.test(range_=range_):
            metres = depth(1)
            valid = everywhere(metres)
            normalizer = DepthNormalizer(range=range_)
            clean = normalizer.normalize(metres[..., 1:], valid[..., 1:])
            metres[..., 0] = math.nan
            metres[..., 3, 0] = 1e4
            valid[..., 0] = False
            spoilt = normalizer.normalize(metres, valid)
            assert bool((spoilt.unit_B1HW[..., 0] == 0.0).all())
            torch.testing.assert_close(spoilt.unit_B1HW[..., 1:], clean.unit_B1HW)


def test_nothing_valid_gives_zeros(subtests):
    for range_ in RANGES:
        with subtests.test(range_=range_):
            metres = torch.full((1, 1, 4, 4), math.nan)
            normalized = DepthNormalizer(range=range_).normalize(
                metres, torch.zeros_like(metres).bool()
            )
            assert bool((normalized.unit_B1HW == 0.0).all())
            assert bool(torch.isfinite(normalized.scale_B111).all())


def test_images_of_a_batch_are_independent():
    metres = depth(2)
    normalizer = DepthNormalizer(range='quantile')
    both = normalizer.normalize(metres, everywhere(metres)).unit_B1HW
    alone = normalizer.normalize(metres[1:], everywhere(metres[1:])).unit_B1HW
    torch.testing.assert_close(both[1:], alone)


def test_disparity_does_not_go_beyond_infinity():
    normalizer = DepthNormalizer(space='disparity')
    metres = depth(1)
    like = normalizer.normalize(metres, everywhere(metres))
    back = normalizer.denormalize(torch.full_like(metres, -9.0), like)
    torch.testing.assert_close(back, torch.full_like(metres, FARTHEST_M))


@pytest.mark.parametrize(('space', 'range_'), [('metres', 'minmax'), ('log', 'mean')])
def test_unknown_rules_are_refused_by_name(space, range_):
    with pytest.raises(InputError, match=f"'{space}'/'{range_}' is unknown"):
        DepthNormalizer(space=space, range=range_)
