# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is trained is what its bundle runs as; any other spec is refused before the first step."""

from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.diffusion.apdepth import apdepth
from depth_refiner_ros.diffusion.bundles import read_refiner
from depth_refiner_ros.diffusion.estimator import SharpEstimator
from depth_refiner_ros.diffusion.model_spec import CHOICES
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch
from training import run
from training.config_file import save_config

from tests.training.tiny_runs import built

CHANGES = [(name, value) for name, values in CHOICES.items() for value in values] + [
    ('unshuffle_factor', 2),
    ('timestep', 500),
    ('zero_snr', True),
    ('residual_gain', 1.0),
    ('detail', False),
    ('detail_gain', 1.0),
    ('known', False),
    ('task_embedding', [1.0, 0.0]),
    ('text_width', 1024),
    ('max_edge_px', 32),
    ('nearest_m', 0.0),
    ('keep_within', 0.01),
    ('keep_sharp', 0.25),
    ('agree_below', 1.0),
]
REFUSED = {
    ('method', 'sharpdepth'),
    ('method', 'aligned'),
    ('codec', 'vae'),
    ('condition', 'disparity'),
    ('condition', 'none'),
    ('output', 'relative'),
    ('output', 'disparity'),
    ('guess', 'ema'),
    ('guess', 'frozen'),
    ('padding', 'floored'),
    ('text_width', '1024'),
    *(('preset', name) for name in CHOICES['preset'] if name != 'bundled'),
}


def refined_m(objective, rgb, prior):
    """Return the depth that training compares with its target, in metres."""
    known = torch.ones_like(prior).bool()
    normalized = objective.normalizer.normalize(prior, known)
    with torch.no_grad():
        unit = apdepth(objective.network, rgb, normalized.unit_B1HW, known)
    return objective.normalizer.denormalize(unit, normalized)


def test_every_spec_is_refused_or_runs_as_it_is_trained(make_config, tmp_path, subtests):
    generator = torch.Generator().manual_seed(0)
    rgb = torch.rand(1, 3, 32, 32, generator=generator)
    prior = 1.0 + torch.rand(1, 1, 32, 32, generator=generator)
    refused = set()
    for name, value in CHANGES:
        config = make_config('apdepth_depth', model={'spec': {name: value}})
        with subtests.test(f'{name}={value}'):
            try:
                objective = built(config)
            except DepthRefinerError as error:
                refused.add((name, str(value)))
                assert name in str(error) or str(value) in str(error)  # noqa: PT017
                continue
            folder = tmp_path / f'{name}_{value}'
            objective.export(folder, {})
            bundled = read_refiner(open_bundle(folder, 'refiner'))
            if bundled.spec.clip != 'none':  # cuts at inference only
                continue
            estimated = SharpEstimator(bundled).estimate(
                rgb, prior, torch.ones_like(prior).bool(), generator
            )
            torch.testing.assert_close(
                estimated.depth_B1HW, refined_m(objective, rgb, prior), rtol=1e-2, atol=1e-2
            )
    assert refused == REFUSED


@pytest.mark.parametrize('override', ['model.spec.codec=vae', 'model.spec.condition=disparity'])
def test_a_foreign_spec_ends_before_the_first_step(make_config, tmp_path, capsys, override):
    save_config(make_config('apdepth_depth'), tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml'), override]) == 2
    told = capsys.readouterr().err
    assert override.split('=')[0].rpartition('.')[2] in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / 'run' / 'config.yaml').exists()
