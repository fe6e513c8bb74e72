# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the training of the small metric prior has beyond other objectives'."""

import math
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import BundledPrior, LITE0_LICENCE
import numpy as np
import pytest
from safetensors.torch import load_file
import torch
from training import run
from training.checkpoint import AVERAGE, OPTIMIZER, WEIGHTS
from training.config_file import load_config, save_config
from training.data.batches import collate
from training.data.cut import Cut
from training.loop import begin, train
from training.models.imagenet import encoder_state, read_imagenet
from training.objectives.metric_prior import laplace_loss
from training.optimizers import make_optimizers

from tests.training.tiny_runs import batch_of, built

LITE = {
    'encoder': 'efficientnet_lite0',
    'start': 'imagenet',
    'coarsest_channels': 8,
    'decoder_channels': [8, 8, 8],
    'upsampling': 4,
    'uncertainty': True,
}
ENCODER = 'network.encoder.image'


@pytest.fixture
def config(make_config):
    config = make_config('metric_prior', model=LITE, loss={'spread': 0.1})
    config.optimizer.rates = {ENCODER: 0.2}
    return config


def test_a_run_begins_with_imagenet_and_ends_as_a_bundle_with_its_licence(config, tmp_path):
    objective = built(config)
    begin(config, objective)
    published = encoder_state(read_imagenet())
    for networks in (objective.trained, objective.ema.networks):
        own = networks['network'].encoder.image.state_dict()
        assert own.keys() == published.keys()
        assert all(torch.equal(own[name], published[name]) for name in own)
    config.bundle = str(tmp_path / 'bundle')
    save_config(config, tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    bundle = open_bundle(tmp_path / 'bundle', 'prior')
    assert (bundle.path / LITE0_LICENCE).is_file()
    assert str(tmp_path) not in (bundle.path / 'bundle.json').read_text()
    assert BundledPrior(bundle).network.config.encoder == 'efficientnet_lite0'


def test_a_run_from_a_bundle_does_not_begin_with_imagenet(config, tmp_path):
    built(config).export(tmp_path / 'bundle', {})
    config.init_from = str(tmp_path / 'bundle')
    objective = built(config)
    begin(config, objective)
    stem = objective.trained['network'].encoder.image.stem
    assert not torch.equal(stem.weight, read_imagenet()['_conv_stem.weight'])
    assert bool((stem.scale == 1.0).all())


def test_a_resumed_run_with_channels_last_is_the_uninterrupted_one_bit_for_bit(config, tmp_path):
    config.optimizer.total_steps = 2
    for output, ends in (('whole', (2,)), ('parts', (1, 2))):
        for steps in ends:
            config.output, config.steps = str(tmp_path / output), steps
            objective = built(config)
            train(config, objective)
            for networks in (objective.trained, objective.ema.networks):
                weight = networks['network'].encoder.image.stem.weight
                assert not weight.is_contiguous()
                assert weight.is_contiguous(memory_format=torch.channels_last)
    for name in (AVERAGE, OPTIMIZER, WEIGHTS):
        one, two = (
            load_file(tmp_path / part / 'checkpoint' / name) for part in ('whole', 'parts')
        )
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one), name


def test_the_encoder_learns_at_a_fifth_of_the_rate(config):
    config.steps = 1
    config.optimizer.weight_decay = 0.0
    objective = built(config)
    begin(config, objective)
    torch.nn.init.normal_(objective.trained['network'].head.weight)  # at 0 no gradient passes
    before = {name: value.clone() for name, value in objective.trained.named_parameters()}
    train(config, objective)
    # Adam's first step is the learning rate itself, whatever the gradient; the ramp of two
    # updates halves it.
    moved = {
        name: (value - before[name]).abs().max().item()
        for name, value in objective.trained.named_parameters()
    }
    assert moved['network.head.bias'] == pytest.approx(5e-4, rel=1e-2)
    assert moved[f'{ENCODER}.levels.4.0.project.bias'] == pytest.approx(1e-4, rel=1e-2)
    assert moved[f'{ENCODER}.stem.scale'] <= 1.1e-4


def test_what_has_a_rate_of_0_stays_as_it_is(config):
    still = f'{ENCODER}.stem', f'{ENCODER}.levels.0'
    config.optimizer.rates = dict.fromkeys(still, 0.0)
    objective = built(config)
    begin(config, objective)
    before = {name: value.clone() for name, value in objective.trained.named_parameters()}
    train(config, objective)
    for name, value in objective.trained.named_parameters():
        assert not name.startswith(still) or torch.equal(value, before[name])
    moved = objective.trained.get_parameter(f'{ENCODER}.levels.1.0.project.weight')
    assert not torch.equal(moved, before[f'{ENCODER}.levels.1.0.project.weight'])
    computed = {
        name for name, value in objective.trained.named_parameters() if value.requires_grad
    }
    assert not any(name.startswith(still) for name in computed)
    assert f'{ENCODER}.levels.1.0.project.weight' in computed


def test_rates_go_to_the_longest_beginning(config):
    config.optimizer.rates = {'network.encoder': 0.5, ENCODER: 0.2}
    objective = built(config)
    [optimizer] = make_optimizers(objective.trained, config.optimizer).values()
    rates = {
        id(value): group['rate'] for group in optimizer.param_groups for value in group['params']
    }
    network = objective.trained['network']
    assert rates[id(network.encoder.image.stem.scale)] == 0.2
    assert rates[id(network.encoder.mix.weight)] == 0.5
    assert rates[id(network.head.weight)] == 1.0
    assert len(rates) == len(list(network.parameters()))
    config.optimizer.rates = {'network.encodr': 0.2}
    with pytest.raises(SettingsError, match=r"no parameter begins with 'network\.encodr'"):
        make_optimizers(objective.trained, config.optimizer)


def test_heads_and_losses_that_do_not_fit_are_refused(make_config):
    for model, loss in ((LITE, {}), ({}, {'spread': 0.1})):
        with pytest.raises(SettingsError, match=r'loss\.spread = .* do not fit'):
            built(make_config('metric_prior', model=model, loss=loss))
    with pytest.raises(SettingsError, match='start = imagenet needs'):
        built(make_config('metric_prior', model={'start': 'imagenet'}))


def test_the_second_head_learns_errors_and_leaves_depth_alone(config):
    objective, batch = built(config), batch_of(config)
    parts = objective(batch, 0)
    parts['loss'].backward()
    head = objective.trained['network'].head.bias.grad.clone()
    config.loss.spread = 10.0 * config.loss.spread
    objective.trained.zero_grad()
    objective(batch_of(config), 0)['loss'].backward()
    again = objective.trained['network'].head.bias.grad
    torch.testing.assert_close(again[0], head[0])
    torch.testing.assert_close(again[1], 10.0 * head[1])


def test_the_likelihood_is_best_at_the_mean_error_and_the_worst_for_a_sky():
    error = torch.tensor([[[[0.1, -0.3, 5.0, 0.0]]]], requires_grad=True)
    sky = torch.tensor([[[[False, False, True, False]]]])
    valid = torch.tensor([[[[True, True, False, False]]]])
    spread = torch.tensor([[[[0.1, 0.3, 2.0, 7.0]]]]).log().requires_grad_(True)
    loss = laplace_loss(error, spread, valid, sky)
    expected = (3.0 + math.log(0.1) + math.log(0.3) + math.log(2.0)) / 3.0
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    torch.testing.assert_close(spread.grad, torch.zeros(1, 1, 1, 4), rtol=0, atol=1e-6)
    assert error.grad is None


def test_the_sky_of_an_image_reaches_the_likelihood(config):
    objective = built(config)
    size = width, height = config.data.width, config.data.height

    def spread_loss(above_m):
        depth_m = np.full((height, width), 2.0, np.float16)
        depth_m[: height // 2] = above_m
        window = Cut(
            rgb_HW3=np.full((height, width, 3), 90, np.uint8),
            depth_m_HW=depth_m,
            camera=Intrinsics.from_fov(*size, 60.0),
            camera_known=True,
            prior_m_HW=None,
        )
        batch = collate([window, window], seed=0)
        assert not batch.depth_m_B1HW.isinf().any(), 'a sky has no depth'
        return float(objective(batch, 0)['spread'])

    assert spread_loss(np.inf) > spread_loss(np.nan) + 0.1
    assert spread_loss(np.nan) == spread_loss(0.0)


def test_the_shipped_configuration_builds():
    path = Path(run.__file__).parent / 'configs' / 'metric_prior.yaml'
    objective = built(load_config(path))
    make_optimizers(objective.trained, objective.config.optimizer)
    assert objective.shape.mirror
