# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The published weights: DEPTH_REFINER_WEIGHTS_<PRIOR>=<folder, size or hub id> runs a prior's tests.

For example: DEPTH_REFINER_WEIGHTS_DEPTH_PRO=large python -m pytest -m weights tests/priors
"""

import os

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.settings.networks import FOCAL_PRIORS
import pytest
import torch

from tests.priors.photograph import corridor

CAMERA = Intrinsics.from_fov(640, 480, 60.0)

pytestmark = pytest.mark.weights


def published(prior):
    name = f'DEPTH_REFINER_WEIGHTS_{prior.upper()}'
    if name not in os.environ:
        pytest.skip(f'{name} names no weights')
    return os.environ[name]


@pytest.mark.parametrize('prior', [*FOCAL_PRIORS, 'video_depth_anything'])
def test_a_corridor_gets_deeper_towards_its_end(prior):
    rgb = corridor(480, 640)
    with torch.inference_mode():
        depth = build_prior(prior, published(prior)).predict(rgb, CAMERA).depth_B1HW
    assert depth.shape == (1, 1, 480, 640)
    assert 0.1 < float(depth.nanmedian()) < 100.0
    assert float(depth[..., 200:280, 280:360].nanmedian()) > 1.5 * float(
        depth[..., 440:, :].nanmedian()
    )


def test_disparity_falls_towards_the_end_of_a_corridor():
    prior = build_prior('depth_anything_v2', published('depth_anything_v2'))
    with torch.inference_mode():
        disparity = prior.predict(corridor(480, 640), CAMERA).depth_B1HW
    assert float(disparity[..., 440:, :].median()) > 1.5 * float(
        disparity[..., 200:280, 280:360].median()
    )


def test_disparity_at_points_falls_towards_the_end_of_a_corridor():
    prior = build_prior('infinidepth', published('infinidepth'))
    with torch.inference_mode():
        disparity = prior.predict(corridor(480, 640), CAMERA).depth_B1HW
    assert float(disparity[..., 440:, :].median()) > 1.5 * float(
        disparity[..., 200:280, 280:360].median()
    )


@pytest.mark.parametrize('name', ['depth_anything_3', 'pixel_perfect_depth'])
def test_relative_depth_grows_towards_the_end_of_a_corridor(name):
    prior = build_prior(name, published(name))
    with torch.inference_mode():
        depth = prior.predict(corridor(480, 640), None).depth_B1HW
    near, far = (depth[..., 440:, :], depth[..., 200:280, 280:360])
    # Pixel-Perfect Depth may be negative.
    assert float(far.median()) > float(near.median()) + 0.5 * float(near.median().abs())


def test_the_prompt_sets_the_scale():
    prior = build_prior('prompt_depth_anything', published('prompt_depth_anything'))
    rgb = corridor(480, 640)
    rows = (torch.arange(192) - 95.5).abs().clamp_min(12.0)
    prompt = (150.0 / rows).view(1, 1, 192, 1).expand(1, 1, 192, 256)
    with torch.inference_mode():
        near, far = (prior.predict(rgb, None, prompt * scale).depth_B1HW for scale in (1.0, 3.0))
    torch.testing.assert_close(far.nanmedian(), 3.0 * near.nanmedian(), rtol=0.05, atol=0.0)


@pytest.mark.parametrize('name', ['prior_depth_anything', 'infinidepth_sensor'])
def test_a_few_measured_points_set_the_scale(name):
    prior = build_prior(name, published(name))
    rows = (torch.arange(480) - 239.5).abs().clamp_min(30.0)
    depth_m = (375.0 / rows).view(1, 1, 480, 1).expand(1, 1, 480, 640)
    kept = torch.rand(depth_m.shape, generator=torch.Generator().manual_seed(0)) < 0.003
    points = depth_m.where(kept, torch.nan)
    with torch.inference_mode():
        near, far = (
            prior.predict(corridor(480, 640), None, points * scale).depth_B1HW
            for scale in (1.0, 3.0)
        )
    torch.testing.assert_close(far.nanmedian(), 3.0 * near.nanmedian(), rtol=0.05, atol=0.0)
