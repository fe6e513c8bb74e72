# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A narrower refiner: what it begins with, and the wide one that it learns from."""

from dataclasses import replace

from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.diffusion.apdepth import apdepth_inputs
from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.small import build_small
from depth_refiner_ros.models.bundle import open_bundle
import pytest
import torch
from training.models import narrower
from training.models.fewer_levels import with_fewer_levels
from training.models.narrower import narrowed
from training.models.refiner import RefinerModel
from training.models.shallower import shallower
from training.models.teacher import build_teacher, TeacherModel
from training.objectives.refiner_sample import refiner_sample
from training.tools.narrow import main

from tests.training.tiny_runs import batch_of, built, KINDS, step

CHANNELS = (8, 16, 24)


def small(channels, seed=0, activation='silu', layers=1):
    torch.manual_seed(seed)
    network = build_small(
        ModelSpec(unshuffle_factor=2),
        block_channels=channels,
        layers_per_block=layers,
        activation=activation,
    )
    for part in network.unet.modules():
        if isinstance(part, torch.nn.GroupNorm):
            torch.nn.init.normal_(part.weight, 1.0, 0.3)
            torch.nn.init.normal_(part.bias)
    return network.eval()


def answer(network):
    torch.manual_seed(9)
    sample = torch.randn(1, network.unet.config.in_channels, 16, 24)
    with torch.no_grad():
        return network.unet(sample, torch.tensor(network.spec.timestep), None).sample


def with_silent_copies(network):
    """Return a network of twice the channels: of each a copy that nothing reads, somewhere."""
    wide = small(tuple(2 * count for count in network.unet.config.block_out_channels), 1)
    folded = narrower.FoldedUnet(network.unet, network.spec.timestep).unet
    layers = zip(narrower._layers(folded), narrower._layers(wide.unet), strict=True)
    with torch.no_grad():
        for old, new in layers:
            weight, bias = old.conv.weight, old.conv.bias
            if old.writes != narrower.RESULT:
                weight, bias = weight.repeat_interleave(2, 0), bias.repeat_interleave(2)
            if old.reads != (narrower.IMAGE,):
                weight = weight.repeat_interleave(2, 1)
                weight[:, ::2] = 0.0
            new.conv.weight.copy_(weight)
            new.conv.bias.copy_(bias)
            if old.norm is not None:
                new.norm.weight.copy_(old.norm.weight.repeat_interleave(2))
                new.norm.bias.copy_(old.norm.bias.repeat_interleave(2))
        for name, value in wide.unet.named_parameters():
            if 'time_emb_proj' in name:
                value.zero_()
    return wide


def test_channels_that_nothing_reads_go_and_nothing_changes():
    network = small(CHANNELS)
    wide, target = with_silent_copies(network), small(CHANNELS, 2)
    expected = answer(network)
    torch.testing.assert_close(answer(wide), expected)
    assert not torch.allclose(answer(target), expected, rtol=0.1)
    narrowed(wide, target)
    torch.testing.assert_close(answer(target), expected)


@pytest.mark.parametrize('activation', ['silu', 'relu'])
def test_blocks_that_add_nothing_go_and_nothing_changes(activation):
    network = small(CHANNELS, activation=activation)
    unet, shallow = network.unet, shallower(network)
    assert shallow.unet.config.layers_per_block == (0, 1, 1)
    assert not torch.allclose(answer(shallow), answer(network), rtol=0.1)
    for resnet in (unet.down_blocks[0].resnets[0], unet.up_blocks[-1].resnets[1]):
        torch.nn.init.zeros_(resnet.conv2.weight)
        torch.nn.init.zeros_(resnet.conv2.bias)
    torch.testing.assert_close(answer(shallower(network)), answer(network))
    unet.register_to_config(layers_per_block=[1, 1, 1])
    torch.testing.assert_close(answer(shallower(network)), answer(network))
    with pytest.raises(WeightsError, match=r'layers_per_block = \(0, 1, 1\) must be 1 at each'):
        shallower(shallow)
    with pytest.raises(WeightsError, match='layers_per_block = 2 must be 1 at each'):
        shallower(small(CHANNELS, layers=2))


@pytest.mark.parametrize('layers', [1, (0, 1, 2, 1)])
@pytest.mark.parametrize('activation', ['silu', 'relu'])
@pytest.mark.parametrize('levels', [2, 3])
def test_smallest_sizes_that_nothing_reads_go_and_nothing_changes(levels, activation, layers):
    network = small((8, 16, 16, 16), activation=activation, layers=layers)
    fewer = with_fewer_levels(network, levels)
    assert fewer.unet.config.block_out_channels == (8, 16, 16, 16)[:levels]
    assert not torch.allclose(answer(fewer), answer(network), rtol=0.1)
    reader = network.unet.up_blocks[4 - levels].resnets[0]
    for conv in (reader.conv1, reader.conv_shortcut):
        torch.nn.init.zeros_(conv.weight[:, :16])
    torch.testing.assert_close(answer(with_fewer_levels(network, levels)), answer(network))


def test_what_the_smaller_size_passed_up_is_left_out_at_any_width():
    network = small((8, 16, 24))
    reader = with_fewer_levels(network, 2).unet.up_blocks[0].resnets[0]
    its = network.unet.up_blocks[1].resnets[0]
    assert reader.conv1.weight[:, :16].abs().max() == 0.0
    assert torch.equal(reader.conv1.weight[:, 16:], its.conv1.weight[:, 24:])
    assert torch.equal(reader.norm1.weight[16:], its.norm1.weight[24:])


@pytest.mark.parametrize('levels', [0, 3, 4])
def test_as_many_sizes_or_none_are_refused(levels):
    with pytest.raises(WeightsError, match=rf'{levels} sizes must be fewer .*, \(8, 16, 24\)'):
        with_fewer_levels(small(CHANNELS), levels)


def test_the_same_width_is_a_copy_with_the_timestep_in_its_biases():
    network, target = small(CHANNELS), small(CHANNELS, 3)
    narrowed(network, target)
    torch.testing.assert_close(answer(target), answer(network))


@pytest.mark.parametrize('channels', [(8, 16), (16, 16, 24), (8, 24, 32), (8, 16, 24, 32)])
def test_other_blocks_are_refused(channels):
    with pytest.raises(WeightsError, match=r'do not fit weights of \(8, 16, 24\): .* none larger'):
        narrowed(small(CHANNELS), small(channels))


def test_the_tool_writes_a_bundle_that_a_run_begins_with(tmp_path, make_config, capsys):
    assert main(['bundled', str(tmp_path / 'narrow'), '8,16', 'shallower']) == 0
    unet = read_refiner(open_bundle(tmp_path / 'narrow', 'refiner')).unet
    assert tuple(unet.config.block_out_channels) == (8, 16)
    assert tuple(unet.config.layers_per_block) == (0, 1)
    assert main(['bundled', str(tmp_path / 'fewer'), '8']) == 0
    unet = read_refiner(open_bundle(tmp_path / 'fewer', 'refiner')).unet
    assert tuple(unet.config.block_out_channels) == (8,)
    assert main(['bundled', str(tmp_path / 'bad'), '8,12']) == 2
    assert "CHANNELS = '8,12' must be multiples of 8" in capsys.readouterr().err
    assert main(['bundled', str(tmp_path / 'bad'), '8,16,24']) == 2
    assert 'bundled has 2 sizes' in capsys.readouterr().err
    assert not (tmp_path / 'bad').exists()
    assert main(['bundled']) == 2


@pytest.fixture
def teacher(tmp_path):
    torch.manual_seed(3)
    network = build_small(ModelSpec(), block_channels=(16, 24))
    torch.nn.init.normal_(network.unet.conv_out.weight, std=0.5)
    facts = {'name': 'wide', 'licence': 'Apache-2.0', 'source': ''}
    write_refiner_bundle(tmp_path / 'teacher', network, **facts)
    return str(tmp_path / 'teacher')


def gap(objective, batch):
    """Return how far the refiner is from its teacher on the priors of a batch."""
    batch.generator.manual_seed(0)
    network = objective.network
    sample = refiner_sample(objective.priors.draw(batch), network.spec)
    inputs = apdepth_inputs(network, batch.rgb_B3HW, sample.prior_B1HW, sample.known_B1HW)
    with torch.no_grad():
        return float((network(*inputs) - objective.teacher(*inputs)).abs().mean())


def taught(make_config, teacher, kinds, **options):
    config = make_config(
        'apdepth_depth',
        loss={'latent': 0.0, 'gradient': 0.0, 'teacher': teacher, 'taught': kinds},
        **options,
    )
    config.optimizer.lr = 3e-3
    return config


def test_a_refiner_comes_nearer_to_its_teacher(make_config, teacher):
    config = taught(make_config, teacher, list(KINDS))
    objective = built(config)
    objective.begin(None, '')
    batch = batch_of(config)
    before = gap(objective, batch)
    weights = {name: value.clone() for name, value in objective.teacher.state_dict().items()}
    for _ in range(40):
        batch.generator.manual_seed(0)
        step(objective, batch)
    assert gap(objective, batch) < 0.8 * before
    for name, value in objective.teacher.state_dict().items():
        assert torch.equal(value, weights[name]), 'a teacher does not learn'


def test_it_teaches_the_kinds_that_it_is_asked_for(make_config, teacher):
    objective = built(taught(make_config, teacher, ['smeared']))
    objective.begin(None, '')
    batch = batch_of(objective.config)
    kinds = ['smeared', 'sharp'] * (len(batch.rgb_B3HW) // 2)
    sample = refiner_sample(objective.priors.of(batch, kinds), objective.network.spec)
    some = replace(sample, valid_B1HW=sample.valid_B1HW & (torch.rand(1, 1, 32, 32) > 0.5))
    inputs = apdepth_inputs(objective.network, batch.rgb_B3HW, some.prior_B1HW, some.known_B1HW)
    target, valid = objective._target(some, inputs, kinds)
    with torch.no_grad():
        its = objective.teacher.decode(objective.teacher(*inputs))
    torch.testing.assert_close(target[::2], its[::2])
    assert bool(valid[::2].all()), 'it knows depth everywhere'
    assert torch.equal(target[1::2], some.target_B1HW[1::2])
    assert torch.equal(valid[1::2], some.valid_B1HW[1::2])
    assert not torch.allclose(its, some.target_B1HW, atol=0.01)


def test_a_teacher_of_other_inputs_is_refused(make_config, teacher):
    config = taught(make_config, teacher, ['smeared'], model={'spec': {'detail_gain': 2.0}})
    with pytest.raises(
        SettingsError,
        match=r'detail_gain = 2.0, but the teacher has .* set model\.spec\.detail_gain=',
    ):
        built(config)


def test_teacher_and_kinds_belong_together(make_config, teacher):
    with pytest.raises(SettingsError, match=r'loss\.teacher = .* belong together'):
        built(taught(make_config, teacher, []))
    with pytest.raises(SettingsError, match=r"loss\.taught = \['smeared'\] belong together"):
        built(taught(make_config, '', ['smeared']))
    with pytest.raises(SettingsError, match=r'loss\.taught.*kinect'):
        built(taught(make_config, teacher, ['kinect']))


def test_a_refiner_keeps_its_activation_and_blocks(tmp_path):
    assert main(['quick', str(tmp_path / 'same'), '32,48']) == 0
    quick = read_refiner(open_bundle('quick', 'refiner'))
    assert quick.unet.config.act_fn == 'relu'
    same = read_refiner(open_bundle(str(tmp_path / 'same'), 'refiner'))
    torch.testing.assert_close(answer(same), answer(quick), rtol=2e-2, atol=2e-2)


def test_a_teacher_of_random_weights_has_the_shape_of_its_refiner():
    model = RefinerModel(block_channels=[8, 16], layers_per_block=[0, 1], activation='relu')
    unet = build_teacher(TeacherModel(start='small'), model).unet
    assert (unet.config.act_fn, unet.config.layers_per_block) == ('relu', (0, 1))
