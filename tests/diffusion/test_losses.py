# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.diffusion.losses import (
    fft_loss,
    gradient_l1,
    latent_mask,
    latent_mse,
    masked_mean,
    pixel_l1,
    radial_weight,
)
import pytest
import torch


def maps(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=torch.float64, generator=generator)


def test_masked_mean_by_hand():
    values = torch.tensor([[1.0, 2.0, 3.0]])
    assert float(masked_mean(values)) == 2.0
    assert float(masked_mean(values, torch.tensor([[True, False, True]]))) == 2.0
    assert float(masked_mean(values, torch.tensor([[1.0, 0.0, 3.0]]))) == 2.5


def test_an_empty_mask_gives_zero_and_no_gradient():
    values = torch.ones(1, 1, 4, 4, requires_grad=True)
    loss = masked_mean(values, torch.zeros(1, 1, 4, 4))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert bool((values.grad == 0.0).all())


def test_one_mask_serves_all_channels():
    values = torch.stack([torch.zeros(2, 2), torch.ones(2, 2)])[None]
    mask = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    assert float(masked_mean(values, mask)) == 0.5


def test_latent_mse_and_pixel_l1_by_hand():
    depth, target = torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[[0.0, 2.0]]]])
    assert float(latent_mse(depth, target)) == 5.0
    assert float(pixel_l1(depth, target)) == 2.0
    mask = torch.tensor([[[[False, True]]]])
    assert float(latent_mse(depth, target, mask)) == 9.0
    assert float(pixel_l1(depth, target, mask)) == 3.0


def test_one_invalid_pixel_drops_its_latent_cell():
    valid = torch.ones(1, 1, 16, 24, dtype=torch.bool)
    valid[0, 0, 15, 8] = False
    mask = latent_mask(valid, 8)
    assert mask.dtype == torch.bool
    assert mask.int().tolist() == [[[[1, 1, 1], [1, 0, 1]]]]


def test_gradient_l1_is_blind_to_offsets_and_zero_for_equal_maps():
    target = maps(1, 1, 16, 16)
    everywhere = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    assert float(gradient_l1(target, target, everywhere)) == 0.0
    assert float(gradient_l1(target + 3.0, target, everywhere)) == pytest.approx(0.0, abs=1e-12)


def test_gradient_l1_of_a_ramp():
    error = 0.5 * torch.arange(16.0).expand(1, 1, 16, 16)
    everywhere = torch.ones(1, 1, 16, 16, dtype=torch.bool)
    # Every second, fourth, eighth column: steps of 0.5, 1, 2 and 4; none along columns.
    value = gradient_l1(error, torch.zeros_like(error), everywhere)
    assert float(value) == pytest.approx((0.5 + 1.0 + 2.0 + 4.0) / 4)


def test_gradient_l1_leaves_pairs_with_an_invalid_end_out():
    error = torch.zeros(1, 1, 1, 4)
    error[..., 2] = math.nan
    error[..., 3] = 5.0
    error.requires_grad_()
    valid = torch.tensor([[[[True, True, False, True]]]])
    value = gradient_l1(error, torch.zeros(1, 1, 1, 4), valid, scales=1)
    value.backward()
    assert float(value.detach()) == 0.0
    assert bool(torch.isfinite(error.grad).all())


@pytest.mark.parametrize(('height', 'width'), [(8, 12), (7, 9), (1, 5)])
def test_radial_weight_is_one_at_the_centre_and_largest_in_the_far_corner(height, width):
    weight = radial_weight(height, width, 0.6)
    assert float(weight[height // 2, width // 2]) == 1.0
    assert float(weight[0, 0]) == pytest.approx(1.6)
    assert float(weight.max()) == float(weight[0, 0])


def test_radial_weight_half_way():
    weight = radial_weight(9, 9, 1.0)
    assert float(weight[4, 8]) == pytest.approx(1.0 + 4.0 / 32.0**0.5)


def test_fft_loss_of_equal_maps_is_zero():
    values = maps(2, 1, 8, 12)
    assert float(fft_loss(values, values)) == 0.0


def test_fft_loss_does_not_see_circular_shifts_but_other_changes():
    values = maps(1, 1, 8, 12)
    shifted = torch.roll(values, (3, 5), dims=(-2, -1))
    assert float(fft_loss(shifted, values)) == pytest.approx(0.0, abs=1e-9)
    assert float(fft_loss(values * 1.1, values)) > 0.1


def test_fft_loss_of_offset_and_of_the_finest_stripes():
    zero = torch.zeros(1, 1, 8, 8)
    # An offset is the one coefficient 64 at the centre, stripes the one at the rim.
    assert float(fft_loss(zero + 1.0, zero)) == pytest.approx(1.0, rel=1e-5)
    stripes = zero + torch.tensor([1.0, -1.0] * 4)
    expected = 1.0 + 0.6 * 4.0 / 32.0**0.5
    assert float(fft_loss(stripes, zero, strength=0.6)) == pytest.approx(expected, rel=1e-5)
    assert float(fft_loss(stripes, zero, strength=0.6, power=2)) == pytest.approx(
        64.0 * expected, rel=1e-5
    )


def test_fft_loss_ignores_what_is_not_valid():
    values, target = maps(1, 1, 8, 8), maps(1, 1, 8, 8, seed=1)
    valid = torch.ones(1, 1, 8, 8, dtype=torch.bool)
    valid[..., 5:] = False
    spoilt = torch.where(valid, values, math.nan)
    assert float(fft_loss(spoilt, target, valid=valid)) == pytest.approx(
        float(fft_loss(values * valid, target * valid))
    )


def test_fft_loss_takes_half_precision():
    values = maps(1, 1, 8, 8)
    half = fft_loss(values.bfloat16(), torch.zeros(1, 1, 8, 8))
    assert half.dtype == torch.float32
    exact = fft_loss(values, torch.zeros_like(values))
    assert float(half) == pytest.approx(float(exact), rel=0.02)


@pytest.mark.parametrize(
    'loss',
    [
        lambda depth: fft_loss(depth, maps(1, 1, 6, 5, seed=1)),
        lambda depth: fft_loss(depth, maps(1, 1, 6, 5, seed=1), power=2),
        lambda depth: latent_mse(depth, maps(1, 1, 6, 5, seed=1)),
        lambda depth: pixel_l1(depth, maps(1, 1, 6, 5, seed=1), torch.ones(6, 5).tril()),
        lambda depth: gradient_l1(depth, maps(1, 1, 6, 5, seed=1), torch.ones(1, 1, 6, 5).bool()),
    ],
    ids=['fft', 'fft_squared', 'latent', 'pixel', 'gradient'],
)
def test_gradients_by_finite_differences(loss):
    assert torch.autograd.gradcheck(loss, maps(1, 1, 6, 5).requires_grad_())
