# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Filled holes are not measurements: the output where the prior had no value."""

import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import updated
import pytest
import torch

from tests.priors import tiny_models

WIDTH, HEIGHT = 64, 48
CAMERA = Intrinsics.from_fov(WIDTH, HEIGHT, 60.0)
HOLE = (..., slice(16, 36), slice(20, 44))


def image():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (1, 3, HEIGHT, WIDTH), generator=generator, dtype=torch.uint8)


def measured():
    depth = torch.linspace(1.0, 4.0, WIDTH).expand(1, 1, HEIGHT, WIDTH).clone()
    depth[HOLE] = math.nan
    return depth


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    """Return prior name to weights of the true architecture, small and random."""
    folder = tmp_path_factory.mktemp('weights')
    return {
        'prompt_depth_anything': tiny_models.saved(
            tiny_models.prompt_depth_anything(), folder / 'prompt'
        ),
        'depth_anything_v2': tiny_models.saved(
            tiny_models.depth_anything('relative', 1), folder / 'relative'
        ),
    }


def refined(weights, prior, **changes):
    given = {'prior_weights': str(weights[prior])} if prior in weights else {}
    settings = updated(
        ModelSettings(prior=prior, device='cpu', precision='fp32', backend='torch', **given),
        changes,
    )
    made = DepthRefiner.from_settings(settings, log=lambda line: None)
    return made.refine(image(), CAMERA, sensor_depth_m_B1HW=measured())


@pytest.mark.parametrize('refiner', ['apdepth', 'none'])
@pytest.mark.parametrize('prior', ['sensor', 'smeared'])
def test_what_was_not_measured_goes_out_as_unknown(weights, prior, refiner):
    result = refined(weights, prior, refiner=refiner)
    unknown = torch.isnan(result.depth_m_B1HW)
    # Else prior and refined depth would be compared, and fused, on other pixels.
    assert torch.equal(torch.isnan(result.prior_m_B1HW), unknown)
    assert torch.equal(unknown, torch.isnan(measured()))
    assert bool((result.confidence_B1HW[unknown] == 0.0).all())
    assert float(result.confidence_B1HW[~unknown].mean()) > 0.3


@pytest.mark.parametrize('prior', ['sensor', 'smeared'])
def test_holes_are_guessed_where_asked_for(weights, prior):
    result = refined(weights, prior, fill_holes=True)
    assert bool(torch.isfinite(result.depth_m_B1HW).all())
    assert float(result.depth_m_B1HW[HOLE].min()) > 0.5
    if prior == 'sensor':
        assert bool(torch.isnan(result.prior_m_B1HW[HOLE]).all())


def test_what_is_measured_does_not_depend_on_it(weights):
    hollow, whole = (refined(weights, 'sensor', fill_holes=fill) for fill in (False, True))
    known = torch.isfinite(measured())
    assert torch.equal(hollow.depth_m_B1HW[known], whole.depth_m_B1HW[known])


def test_a_network_that_predicts_everywhere_has_no_holes(weights, subtests):
    for prior, changes in {
        'bundled': {},
        'prompt_depth_anything': {},
        'depth_anything_v2': {'scale_prior': 'sensor', 'refiner': 'none'},
    }.items():
        with subtests.test(prior):
            result = refined(weights, prior, **changes)
            assert float(torch.isfinite(result.depth_m_B1HW[HOLE]).float().mean()) > 0.9


def test_a_running_refiner_takes_the_change():
    settings = ModelSettings(prior='sensor', device='cpu', precision='fp32', backend='torch')
    made = DepthRefiner.from_settings(settings, log=lambda line: None)
    assert made.update_settings(updated(settings, {'fill_holes': True}, running=True))
    result = made.refine(image(), CAMERA, sensor_depth_m_B1HW=measured())
    assert bool(torch.isfinite(result.depth_m_B1HW).all())
