# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Relative priors and refiners, aligned to metres by a second prior or a sensor."""

from dataclasses import replace
import itertools
import math

from depth_refiner_ros.core.confidence import UNALIGNED
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import FitStatus, PriorDepth
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.presets import apdepth_spec, lotus_spec, marigold_spec
from depth_refiner_ros.priors.sensor import SensorPrior
from depth_refiner_ros.settings.networks import PRIORS, RELATIVE_PRIORS, SCALE_PRIORS
import pytest
import torch

from tests.refiner.relative_depth import (
    camera,
    Disparity,
    Exact,
    Fixed,
    HEIGHT,
    image,
    refiner,
    scene,
    WIDTH,
)
from tests.tiny_networks import small, tiny_of


def test_scale_priors_are_the_metric_ones():
    assert set(SCALE_PRIORS) - {'none'} == set(PRIORS) - set(RELATIVE_PRIORS)


@pytest.mark.parametrize('estimator', [None, small(), tiny_of(apdepth_spec())])
def test_a_relative_prior_without_metres_is_refused(estimator):
    made = None if estimator is None else SharpEstimator(estimator)
    with pytest.raises(InputError, match='disparity depth, which has no metric scale; set'):
        refiner(made, Disparity()).refine(image(), camera())


def test_a_scale_prior_without_metres_is_refused():
    with pytest.raises(InputError, match='scale_prior gives disparity depth; it must be metric'):
        refiner(None, Exact(), Disparity()).refine(image(), camera())


@pytest.mark.parametrize('scale_prior', [Exact(), SensorPrior()])
def test_without_a_refiner_the_prior_comes_out_in_metres(scale_prior):
    plain = refiner(None, Disparity(), scale_prior)
    result = plain.refine(image(2), camera(), sensor_depth_m_B1HW=scene(2))
    torch.testing.assert_close(result.depth_m_B1HW, scene(2), rtol=1e-3, atol=1e-3)
    assert result.scale_shift.status_B.tolist() == [FitStatus.OK] * 2
    torch.testing.assert_close(
        result.scale_shift.scale_B, torch.full((2,), 1 / 11.0), rtol=1e-3, atol=1e-5
    )
    assert float(result.confidence_B1HW.min()) == 1.0


def test_a_sparse_sensor_sets_the_metres_of_every_pixel():
    sparse = torch.full((1, 1, HEIGHT, WIDTH), math.nan)
    sparse[..., ::5, ::5] = 2.0 * scene()[..., ::5, ::5]
    made = refiner(Fixed(replace(apdepth_spec(), nearest_m=0.01)), Disparity(), SensorPrior())
    result = made.refine(image(), camera(), sensor_depth_m_B1HW=sparse)
    torch.testing.assert_close(result.depth_m_B1HW, 2.0 * scene(), rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(result.prior_m_B1HW, 2.0 * scene(), rtol=2e-3, atol=2e-3)
    # The prior covers the image, so confidence does not end where the sensor does.
    assert float(result.confidence_B1HW.min()) > 0.95


def test_the_network_gets_the_priors_own_disparity():
    estimator = Fixed(apdepth_spec('official_compat'))
    refiner(estimator, Disparity(), Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, 11.0 / scene() + 2.0)


def test_a_metric_prior_serves_as_disparity_where_its_range_is_normalised():
    estimator = Fixed(apdepth_spec('normalized'))
    refiner(estimator, Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, 1.0 / scene())


def test_weights_for_raw_disparity_refuse_a_metric_prior():
    made = refiner(Fixed(apdepth_spec('official_compat')), Exact())
    with pytest.raises(
        InputError,
        match='raw disparity of the network that it was trained with, '
        'not metric depth; use prior:=depth_anything_v2',
    ):
        made.refine(image(), camera())


def test_a_network_for_metres_gets_a_relative_prior_in_metres():
    estimator = Fixed(ModelSpec())
    refiner(estimator, Disparity(), Exact()).refine(image(), camera())
    torch.testing.assert_close(estimator.got, scene(), rtol=1e-3, atol=1e-3)


def test_relative_estimates_come_to_metres_in_their_own_space(subtests):
    cases = [apdepth_spec(), lotus_spec('g'), lotus_spec('d', 'disparity'), marigold_spec('v1-1')]
    for spec, align in itertools.product(cases, ['auto', 'lstsq', 'robust']):
        with subtests.test(spec=spec, align=align):
            result = refiner(Fixed(spec), Exact(), align=align).refine(image(2), camera())
            torch.testing.assert_close(result.depth_m_B1HW, scene(2), rtol=2e-3, atol=2e-3)
            assert float(result.difference_B1HW.max()) < 0.01
            assert result.scale_shift.status_B.tolist() == [FitStatus.OK] * 2


@pytest.mark.parametrize('spec', [apdepth_spec(), lotus_spec('d', 'disparity')])
def test_pixels_that_disagree_do_not_pull_the_final_fit(spec):
    result = refiner(Fixed(spec, wrong=4), Exact(), align='robust').refine(image(), camera())
    torch.testing.assert_close(
        result.depth_m_B1HW[..., 4:, :], scene()[..., 4:, :], rtol=2e-3, atol=2e-3
    )
    assert float(result.difference_B1HW[..., :4, :].mean()) > 0.4


def test_relative_depth_without_a_fit_is_refused():
    with pytest.raises(
        InputError,
        match='this refiner gives relative depth, which is not metric '
        'without a fit; set align to auto',
    ):
        refiner(Fixed(lotus_spec('g')), Exact(), align='none').refine(image(), camera())


def test_what_cannot_be_brought_to_metres_is_the_prior():
    estimator = Fixed(lotus_spec('g'), wrong=HEIGHT)
    result = refiner(estimator, Exact()).refine(image(), camera())
    assert result.scale_shift.status_B.tolist() == [FitStatus.CONSTANT]
    torch.testing.assert_close(result.depth_m_B1HW, scene())
    assert float(result.confidence_B1HW.max()) <= UNALIGNED


def test_a_prior_that_cannot_be_brought_to_metres_is_the_reference():
    class Flat(Disparity):
        def predict(self, rgb_B3HW, intrinsics, sensor_m_B1HW=None):
            return PriorDepth(depth_B1HW=torch.full((1, 1, HEIGHT, WIDTH), 3.0), kind='disparity')

    result = refiner(None, Flat(), Exact()).refine(image(), camera())
    assert torch.equal(result.depth_m_B1HW, scene())
    assert float(result.confidence_B1HW.max()) == pytest.approx(UNALIGNED)


def test_both_priors_are_described():
    lines = refiner(None, Disparity(), Exact()).describe()
    assert lines == ['prior of disparity', 'prior of metres', 'networks run on cpu in fp32']
