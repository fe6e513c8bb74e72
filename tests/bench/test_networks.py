# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is timed is what ``refine`` runs: its networks, sizes and number formats."""

from dataclasses import replace
from functools import partial

from depth_refiner_ros.backends.execution import choose
from depth_refiner_ros.backends.mixed_precision import reduced
from depth_refiner_ros.bench.configured import measure_configured
from depth_refiner_ros.bench.count import count
from depth_refiner_ros.bench.full import attention, measure_stages
from depth_refiner_ros.bench.marigold import assemble, frame_call
from depth_refiner_ros.bench.networks import FrameSize, network_calls
from depth_refiner_ros.bench.true_size import (
    FullSize,
    META,
    prior_of,
    prior_skeleton,
    random_estimator,
    random_prior,
    refiner_skeleton,
    spec_of,
    unchecked_runners,
    with_random_weights,
)
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.diffusion.presets import sharpdepth_spec
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.depth_anything import DepthAnythingNetwork, DepthAnythingPrior
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
from diffusers import AutoencoderTiny
import pytest
import torch

from tests.priors import tiny_models
from tests.tiny_networks import tiny_lotus, tiny_of

CPU = torch.device('cpu')
SIZE = FrameSize(width=64, height=48)


@pytest.fixture
def released(tmp_path):
    """A SharpDepth bundle that works at a longest edge of 96 pixels, in whole cells of 2."""
    network = tiny_of(replace(sharpdepth_spec('released'), max_edge_px=96))
    write_refiner_bundle(tmp_path / 'tiny', network, name='tiny', licence='none', source='')
    return ModelSettings(
        refiner='sharpdepth',
        refiner_weights=str(tmp_path / 'tiny'),
        device='cpu',
        precision='fp32',
        backend='torch',
    )


def tiny_prior(networks):
    with META:
        skeleton = DepthAnythingNetwork(tiny_models.depth_anything())
    return random_prior(skeleton, networks)


def tiny_refiner(method, execution):
    """Return a refiner that is assembled like that of true size."""
    settings = ModelSettings(device='cpu')
    networks = unchecked_runners(execution, settings)
    with META:
        skeleton = tiny_of(spec_of(method))
    prior, estimator = tiny_prior(networks), random_estimator(skeleton, networks, 64)
    refiner = DepthRefiner(prior, estimator, execution, settings)
    refiner.runners = networks
    return refiner


def shapes(calls):
    return {
        name: [tuple(value.shape) for inputs in one.inputs for value in inputs]
        for name, one in calls.items()
    }


def test_calls_are_those_of_a_frame_in_their_order_and_sizes(released):
    refiner = DepthRefiner.from_settings(released)
    calls = network_calls(refiner.runners, lambda: refiner.warm_up(160, 90))
    found = shapes(calls)
    assert list(found) == ['prior', 'encode', 'unet', 'decode']
    assert found['encode'] == [(1, 3, 54, 96)] * 2, '54 rows are whole cells: no padding to 56'
    assert found['unet'] == [(1, 8, 27, 48)] * 2
    assert found['decode'] == [(1, 4, 27, 48)] * 2


def test_calls_are_seen_only_while_noted(released):
    refiner = DepthRefiner.from_settings(released)
    with refiner.runners.noting() as noted:
        pass
    refiner.warm_up(160, 90)
    assert noted == []


def test_configured_networks_are_counted_at_the_size_they_run_at(released):
    result = measure_configured(
        released, size=FrameSize(width=160, height=90), frames=1, graph=False, against=''
    )
    network = read_refiner(open_bundle(released.refiner_weights, 'refiner'))
    unet = FoldedUnet(network.unet, network.spec.timestep, network.text_1LC, network.task_C)
    once = count(lambda: unet(torch.zeros(1, 8, 27, 48))).flops
    row = result['networks']['unet']
    assert row['calls'] == 2
    assert row['gflop'] * 1e9 == pytest.approx(2 * once)
    assert result['networks']['frame']['p50'] == result['stages']['total']['p50']


@pytest.mark.parametrize('method', ['apdepth', 'sharpdepth'])
def test_every_stage_of_a_frame_is_timed(method):
    execution = choose('cpu', 'fp32')
    wanted = FullSize(method=method, codec='vae', prior='S', size=SIZE, frames=2, warm_up=1)
    calls, stages_ms = measure_stages(tiny_refiner(method, execution), execution, wanted)
    passes = 2 if method == 'sharpdepth' else 1
    counted = {name: len(one.inputs) for name, one in calls.items()}
    assert counted == {'prior': 1, 'encode': 2, 'unet': passes, 'decode': passes}
    assert list(stages_ms) == [*counted, 'align', 'cloud', 'refiner', 'frame']
    assert all(len(each_ms) == 2 for each_ms in stages_ms.values())
    assert attention(calls['unet']) == 'AttnProcessor2_0'


def test_the_prior_is_the_products_own_with_its_last_layer_in_fp32():
    prior = tiny_prior(unchecked_runners(choose('cpu', 'bf16'), ModelSettings()))
    assert type(prior) is DepthAnythingPrior
    there = reduced(prior.network.module, CPU, 'bf16').module.model
    assert there.head.conv3.inner.weight.dtype == torch.float32
    assert there.head.conv2.weight.dtype == torch.bfloat16
    depth = prior.predict(torch.rand(1, 3, 48, 64), None)
    assert depth.kind == 'metric'
    assert depth.depth_B1HW.shape == (1, 1, 48, 64)
    assert depth.depth_B1HW.min() > 0.0


def test_a_prior_takes_other_resolutions_without_being_built_again():
    networks = unchecked_runners(choose('cpu', 'fp32'), ModelSettings())
    network = tiny_prior(networks).network
    for edge_px, size in ((28, (28, 42)), (56, (56, 70))):
        predict = partial(prior_of(network, edge_px).predict, torch.rand(1, 3, 48, 64), None)
        calls = network_calls(networks, predict)
        assert shapes(calls) == {'prior': [(1, 3, *size)]}


@pytest.mark.parametrize(('method', 'codec'), [('apdepth', 'vae'), ('sharpdepth', 'tiny')])
def test_true_size_is_built_without_memory(method, codec):
    network = refiner_skeleton(method, codec)
    assert all(weight.device == META for weight in network.parameters())
    assert network.unet.config.block_out_channels == (320, 640, 1280, 1280)
    assert isinstance(network.codec.vae, AutoencoderTiny) is (codec == 'tiny')
    assert next(prior_skeleton('S').parameters()).device == META


def test_weights_get_memory_and_stay_finite():
    with META:
        unet = tiny_lotus()
    unet = with_random_weights(unet, seed=3)
    assert {weight.dtype for weight in unet.parameters()} == {torch.float32}
    assert unet.conv_norm_out.weight.eq(1).all()
    assert unet.conv_in.bias.eq(0).all()
    assert unet.conv_in.weight.std() == pytest.approx(0.02, rel=0.1)
    with torch.no_grad():
        made = unet(
            torch.rand(1, 8, 8, 8), 1, torch.zeros(1, 2, 12), class_labels=torch.zeros(1, 4)
        ).sample
    assert made.isfinite().all()
    assert made.std() > 0


@pytest.mark.parametrize('vae', ['full', 'tiny'])
@pytest.mark.parametrize('steps', [1, 4])
def test_pipeline_of_diffusers_takes_the_asked_steps(vae, steps):
    unet = tiny_lotus(class_embed_type=None, projection_class_embeddings_input_dim=None)
    evaluations = []
    unet.register_forward_hook(lambda *_: evaluations.append(1))
    image = torch.randint(0, 256, (1, 3, 48, 64), dtype=torch.uint8)
    codec = AutoencoderTiny() if vae == 'tiny' else tiny_of(spec_of('apdepth')).codec.vae
    depth = frame_call(assemble(unet, codec.eval(), 12), image, steps)()
    assert depth.shape == (1, 1, 48, 64)
    assert 0.0 <= depth.min() <= depth.max() <= 1.0
    assert len(evaluations) == steps
