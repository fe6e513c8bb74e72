# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The pixels of the final fit, and the backend of a prior's networks."""

import math

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.backends.registry import ModelRunners
from depth_refiner_ros.core.alignment import fit_scale_shift
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import FitStatus, PriorDepth
from depth_refiner_ros.diffusion.estimator import Estimate
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import lotus_spec, sharpdepth_spec
from depth_refiner_ros.priors.depth_pro import DepthProPrior
from depth_refiner_ros.priors.sensor import SensorPrior
import torch

from tests.priors import tiny_models
from tests.refiner.relative_depth import camera, Exact, Fixed, HEIGHT, image, refiner, scene, WIDTH


def test_an_aligned_model_is_the_baselines_one_fit_over_all_pixels():
    made = refiner(Fixed(lotus_spec('g'), wrong=12), Exact())
    values = made._estimator.estimate(image(), scene(), None, None).depth_B1HW
    result = made.refine(image(), camera())
    expected = fit_scale_shift(values, scene())
    torch.testing.assert_close(result.scale_shift.scale_B, expected.scale_B)
    assert int(result.scale_shift.inliers_B) == HEIGHT * WIDTH


class Disagreeing(Fixed):
    """Right up to scale, but all of it said to differ, except in its first rows."""

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        difference = torch.ones_like(prior_B1HW)
        difference[..., : self.wrong, :] = 0.0
        return Estimate(depth_B1HW=0.5 * prior_B1HW, difference_B1HW=difference)


def test_agreeing_pixels_that_a_sparse_reference_lacks_do_not_count():
    sparse = torch.full((1, 1, HEIGHT, WIDTH), math.nan)
    sparse[..., 20::2, ::2] = scene()[..., 20::2, ::2]
    made = refiner(Disagreeing(sharpdepth_spec('paper'), wrong=10), Exact(), SensorPrior())
    result = made.refine(image(), camera(), sensor_depth_m_B1HW=sparse)
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK]
    torch.testing.assert_close(result.depth_m_B1HW, scene(), rtol=2e-3, atol=2e-3)


def test_too_few_agreeing_pixels_of_a_large_image_fall_back_to_all():
    tall = torch.linspace(1.0, 4.0, 640).expand(1, 1, 480, 640).clone()

    class Large(Exact):
        def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
            return PriorDepth(depth_B1HW=tall, kind='metric')

    class Patch(Fixed):
        def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
            difference = torch.ones_like(prior_B1HW)
            difference[..., 1:11, 1:16] = 0.0
            return Estimate(depth_B1HW=0.5 * prior_B1HW, difference_B1HW=difference)

    result = refiner(Patch(sharpdepth_spec('paper')), Large()).refine(
        torch.rand(1, 3, 480, 640), Intrinsics.from_fov(640, 480, 60.0)
    )
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK]
    torch.testing.assert_close(result.depth_m_B1HW, tall, rtol=1e-4, atol=1e-4)


def test_every_network_of_a_prior_goes_to_the_backend():
    runners = ModelRunners(choose('cpu', 'fp32'))
    two = DepthProPrior(tiny_models.depth_pro())
    two.attach_backend(runners, 'prior')
    assert (two.network.key, two.fov_network.key) == ('prior', 'prior_fov')
    attached = two.network
    two.attach_backend(runners, 'again')
    assert two.network is attached
    SensorPrior().attach_backend(runners, 'scale_prior')


class Warped(Fixed):
    """The prior, with texture of a fifth of a percent, and a step in the last columns."""

    def estimate(self, rgb_B3HW, prior_B1HW, known_B1HW, generator, *, shrink=1.0):
        texture = 1.0 + 0.002 * torch.tensor([1.0, -1.0]).repeat(WIDTH // 2)
        depth = prior_B1HW * texture
        depth[..., -4:] *= 1.5
        return Estimate(depth_B1HW=depth, difference_B1HW=None)


def test_depth_that_agrees_with_its_prior_is_the_prior_where_the_weights_say_so():
    plain, kept = (
        refiner(Warped(ModelSpec(keep_within=within)), Exact()).refine(image(), camera())
        for within in (0.0, 0.01)
    )
    flat, step = slice(0, WIDTH - 12), slice(WIDTH - 4, None)
    gap = (kept.depth_m_B1HW / scene() - 1.0).abs()
    assert (plain.depth_m_B1HW / scene() - 1.0).abs()[..., flat].max() > 1e-3
    assert gap[..., flat].max() < 2e-4
    assert gap[..., step].min() > 0.45
    # How far the estimate was off still says how far it can be trusted.
    torch.testing.assert_close(kept.confidence_B1HW, plain.confidence_B1HW)


def test_in_holes_there_is_no_prior_to_keep():
    class Holed(Exact):
        def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
            depth = scene().clone()
            depth[..., 5:15, 5:15] = torch.nan
            return PriorDepth(depth_B1HW=depth, kind='metric')

    plain, kept = (
        refiner(Warped(ModelSpec(keep_within=within)), Holed(), fill_holes=True)
        .refine(image(), camera())
        .depth_m_B1HW
        for within in (0.0, 0.01)
    )
    hole = (..., slice(5, 15), slice(5, 15))
    torch.testing.assert_close(kept[hole], plain[hole], rtol=0, atol=0)
    assert not torch.allclose(kept[..., 20:30, 5:15], plain[..., 20:30, 5:15], rtol=1e-4)
