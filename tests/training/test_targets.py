# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What networks are to predict: the published rules, for small networks and true size alike."""

import math

from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
import pytest
import torch
from training.models import conventions
from training.objectives.targets import own_target, target_normalizer


@pytest.mark.parametrize(
    ('spec', 'rule'),
    [
        (lotus_spec('g'), ('depth', 'quantile')),
        (lotus_spec('g', 'disparity'), ('disparity', 'quantile')),
        (marigold_spec('v1-0'), ('depth', 'quantile')),
        (apdepth_spec('official_compat'), ('depth', 'quantile')),
        (sharpdepth_spec('paper'), ('depth', 'minmax')),
        (conventions.SMALL_LOTUS, ('depth', 'quantile')),
        (conventions.SMALL_MARIGOLD, ('depth', 'quantile')),
        (conventions.SMALL_SHARPDEPTH, ('depth', 'minmax')),
        (conventions.SMALL_APDEPTH, ('log', 'centre')),
    ],
)
def test_the_rule_of_each_method(spec, rule):
    normalizer = target_normalizer(spec)
    assert (normalizer.space, normalizer.range) == rule


def test_small_networks_have_the_conventions_of_their_method():
    small, full = conventions.SMALL_LOTUS, lotus_spec('g')
    for key in ('method', 'timestep', 'prediction', 'task_embedding', 'channel_order', 'start'):
        assert getattr(small, key) == getattr(full, key)
    assert conventions.SMALL_MARIGOLD.zero_snr
    assert {spec.codec for spec in (small, conventions.SMALL_SHARPDEPTH)} == {'unshuffle'}


def test_a_target_spans_its_own_quantiles_and_has_no_holes():
    depth = torch.linspace(1.0, 3.0, 101).expand(1, 1, 5, 101).clone()
    depth[..., 50] = math.nan
    unit, known = own_target(depth, target_normalizer(lotus_spec('g')))
    assert bool(torch.isfinite(unit).all())
    assert int((~known).sum()) == 5
    assert (float(unit.min()), float(unit.max())) == (-1.0, 1.0)
    assert float(unit[0, 0, 0, 2]) == pytest.approx(-1.0, abs=0.02)
    assert float(unit[0, 0, 0, 50]) == pytest.approx(0.0, abs=0.05)
