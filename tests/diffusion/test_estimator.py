# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools

from depth_refiner_ros.core.alignment import fit_scale_shift
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.normalization import DepthNormalizer
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch

from tests.tiny_networks import lotus, small


def sample(height, width, batch=1):
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(batch, 3, height, width, generator=generator)
    prior = 1.0 + 4.0 * torch.rand(batch, 1, height, width, generator=generator)
    return rgb, prior, torch.ones_like(prior).bool()


def estimate(network, height, width, batch=1):
    generator = torch.Generator().manual_seed(0)
    return SharpEstimator(network).estimate(*sample(height, width, batch), generator)


def test_any_size_comes_back_at_its_size(subtests):
    for (height, width), make in itertools.product(
        [(37, 53), (4, 4), (1, 1), (40, 64)], [small, lotus]
    ):
        with subtests.test(make.__name__, height=height, width=width):
            result = estimate(make(), height, width, batch=2)
            assert result.depth_B1HW.shape == (2, 1, height, width)
            assert bool(torch.isfinite(result.depth_B1HW).all())


def test_a_refiner_that_adds_nothing_gives_the_prior_in_metres():
    result = estimate(small(residual_gain=0.0), 37, 53)
    torch.testing.assert_close(result.depth_B1HW, sample(37, 53)[1], rtol=1e-5, atol=1e-5)


def test_only_sharpdepth_makes_a_difference_map():
    assert estimate(small(), 16, 16).difference_B1HW is None
    difference = estimate(lotus(), 19, 21).difference_B1HW
    assert difference.shape == (1, 1, 19, 21)


def test_work_is_done_at_the_recipes_size():
    seen = []
    network = small(max_edge_px=16, residual_gain=0.0)
    network.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    result = estimate(network, 24, 64)
    assert seen == [(1, 4, 4, 8)]  # 6 x 16 pixels, padded to 8 x 16, in cells of 2
    assert result.depth_B1HW.shape == (1, 1, 24, 64)


def test_resizing_keeps_a_plane():
    ramp = 1.0 + torch.arange(64.0).expand(1, 1, 24, 64) / 64
    estimator = SharpEstimator(small(max_edge_px=32, residual_gain=0.0))
    depth = estimator.estimate(
        torch.rand(1, 3, 24, 64), ramp, torch.ones_like(ramp).bool(), torch.Generator()
    ).depth_B1HW
    assert float((depth - ramp).abs()[..., 4:-4].max()) < 0.005


def test_a_bundle_gives_the_same_estimate_within_half_precision(tmp_path):
    network = small()
    bundle = write_refiner_bundle(
        tmp_path / 'refiner', network, name='tiny', licence='Apache-2.0', source='random weights'
    )
    loaded = SharpEstimator(read_refiner(bundle))
    mine = estimate(network, 20, 28).depth_B1HW
    theirs = estimate(loaded.network, 20, 28).depth_B1HW
    torch.testing.assert_close(theirs, mine, rtol=2e-3, atol=2e-3)


def test_an_apdepth_estimate_is_deterministic():
    network = small()
    assert network.spec == ModelSpec(unshuffle_factor=2)
    first = estimate(network, 16, 16).depth_B1HW
    assert torch.equal(first, estimate(network, 16, 16).depth_B1HW)


@pytest.mark.parametrize('distort', [lambda unit: unit, lambda unit: 0.3 * unit - 4.0])
def test_minmax_then_least_squares_gives_metres_back(distort):
    metres = 1.0 + 7.0 * torch.rand(2, 1, 20, 24)
    everywhere = torch.ones_like(metres).bool()
    normalizer = DepthNormalizer(space='depth', range='minmax')
    like = normalizer.normalize(metres, everywhere)
    estimate = normalizer.denormalize(distort(like.unit_B1HW), like)
    agreeing = everywhere.clone()
    agreeing[..., :5] = False
    estimate[..., :5] = 999.0  # left out, so without a say
    fitted = fit_scale_shift(estimate, metres, agreeing).apply(estimate)
    torch.testing.assert_close(fitted[..., 5:], metres[..., 5:], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('network', [lotus(), small()])
def test_constant_depth_divides_nothing_by_zero(network):
    rgb, prior, known = sample(16, 24)
    estimator = SharpEstimator(network)
    flat = torch.full_like(prior, 3.0)
    level = estimator.estimate(rgb, flat, known, torch.Generator().manual_seed(0))
    assert bool(torch.isfinite(level.depth_B1HW).all())
    if level.difference_B1HW is not None:
        assert bool(torch.isfinite(level.difference_B1HW).all())


def test_the_bundled_refiner_shrinks_photographs_and_enlarges_nothing():
    spec = read_refiner(open_bundle('bundled', 'refiner')).spec
    assert (spec.max_edge_px, spec.enlarge) == (1600, False)
    seen = []
    network = small(max_edge_px=spec.max_edge_px, enlarge=spec.enlarge, residual_gain=0.0)
    network.register_forward_pre_hook(lambda _, args: seen.append(tuple(args[0].shape[-2:])))
    for size in ((24, 1600), (48, 64), (30, 4000)):
        assert estimate(network, *size).depth_B1HW.shape[-2:] == size
    # In cells of 2: the first two as they are, 30 x 4000 at 12 x 1600.
    assert seen == [(12, 800), (24, 32), (6, 800)]
