# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Weights in every format of a release; only plain tensors are unpickled."""

import itertools
import json
import os
import pickle

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.diffusion.releases.weights import (
    lacking,
    modern_names,
    pickled_patterns,
    read_state,
    safe_patterns,
)
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.diffusion.releases import official_folders as official


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f'touch {self.target}',)


def state(folder, part='unet', **arguments):
    return read_state(folder, part, **{'pickles': False, 'asked': 'mine', **arguments})


def same(first, second):
    return first.keys() == second.keys() and all(
        torch.equal(value, second[name]) for name, value in first.items()
    )


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return official.apdepth(tmp_path_factory.mktemp('whole'))


@pytest.fixture
def folder(tmp_path):
    return official.apdepth(tmp_path)


def test_half_precision_becomes_single(whole, tmp_path):
    weights = load_file(whole / 'unet/diffusion_pytorch_model.safetensors')
    (tmp_path / 'unet').mkdir()
    save_file(
        {name: value.half() for name, value in weights.items()},
        tmp_path / 'unet/diffusion_pytorch_model.fp16.safetensors',
    )
    read = state(tmp_path)
    assert all(value.dtype is torch.float32 for value in read.values())
    assert torch.equal(read['conv_in.weight'], weights['conv_in.weight'].half().float())


def test_single_precision_goes_before_half(folder):
    first = state(folder)
    save_file({'other': torch.zeros(1)}, folder / 'unet/diffusion_pytorch_model.fp16.safetensors')
    assert same(state(folder), first)


def test_shards_are_put_together(whole, tmp_path):
    official.unet().save_pretrained(tmp_path / 'one' / 'unet')
    one = state(tmp_path / 'one')
    network = official.unet()
    network.load_state_dict(one)
    network.save_pretrained(tmp_path / 'many' / 'unet', max_shard_size='20KB')
    assert len(list((tmp_path / 'many/unet').glob('*.safetensors'))) > 1
    assert same(state(tmp_path / 'many'), one)


def test_a_missing_shard_is_named(tmp_path):
    official.unet().save_pretrained(tmp_path / 'unet', max_shard_size='20KB')
    gone = sorted((tmp_path / 'unet').glob('*.safetensors'))[1]
    gone.unlink()
    with pytest.raises(WeightsError, match=gone.name):
        state(tmp_path)


@pytest.mark.parametrize('index', [{}, {'weight_map': []}, {'weight_map': {}}])
def test_a_broken_index(tmp_path, index):
    (tmp_path / 'unet').mkdir()
    (tmp_path / 'unet/diffusion_pytorch_model.safetensors.index.json').write_text(
        json.dumps(index)
    )
    with pytest.raises(WeightsError, match='no usable weight_map'):
        state(tmp_path)


def test_truncated_safetensors(folder, subtests):
    for part, kept in itertools.product(('unet', 'vae', 'text_encoder'), (0, 5, 200, -100)):
        file = next((folder / part).glob('*.safetensors'))
        content = file.read_bytes()
        file.write_bytes(content[:kept])
        with subtests.test(part=part, kept=kept):
            with pytest.raises(WeightsError, match='truncated or changed') as caught:
                load_release(folder)
            assert str(file) in str(caught.value)
        file.write_bytes(content)
    load_release(folder)


@pytest.mark.parametrize('part', ['unet', 'vae', 'text_encoder'])
def test_a_pickle_is_refused_with_the_line_to_type(folder, part):
    whole = load_release(folder).network
    official.pickled(folder, part)
    with pytest.raises(WeightsError, match=f'depth-refiner models import {folder} NEW_FOLDER'):
        load_release(folder)
    network = load_release(folder, pickles=True).network
    assert same(network.state_dict(), whole.state_dict())
    assert torch.equal(network.text_1LC, whole.text_1LC)


def test_safetensors_go_before_pickles(folder):
    (folder / 'unet/diffusion_pytorch_model.bin').write_bytes(b'not even a pickle')
    assert load_release(folder, pickles=True)


def test_a_part_without_weights(folder):
    next((folder / 'vae').glob('*.safetensors')).unlink()
    with pytest.raises(WeightsError, match='has no safetensors'):
        load_release(folder)
    with pytest.raises(WeightsError, match='has no weights'):
        load_release(folder, pickles=True)


@pytest.mark.parametrize(
    'write',
    [
        lambda file, evil: torch.save({'conv_in.weight': evil}, file),
        lambda file, evil: torch.save(evil, file, _use_new_zipfile_serialization=False),
        lambda file, evil: file.write_bytes(pickle.dumps({'conv_in.weight': evil}, 2)),
    ],
)
def test_a_malicious_pickle_does_not_run(folder, tmp_path, write):
    target = tmp_path / 'it_ran'
    official.pickled(folder)
    write(folder / 'unet/diffusion_pytorch_model.bin', Malicious(target))
    for pickles in (False, True):
        with pytest.raises(WeightsError) as caught:
            load_release(folder, pickles=pickles)
        assert '\n' not in str(caught.value)
    assert not target.exists()
    pickle.loads(pickle.dumps(Malicious(target)))
    assert target.exists(), 'the attack would have worked'


def test_attention_of_before_2023_gets_todays_names(tmp_path):
    network = official.vae()
    names = {'to_q': 'query', 'to_k': 'key', 'to_v': 'value', 'to_out.0': 'proj_attn'}
    old = {}
    for name, value in network.state_dict().items():
        for new, former in names.items():
            if f'.attentions.0.{new}.' in name:
                name = name.replace(new, former)
                value = value[..., None, None] if name.endswith('weight') else value
        old[name] = value
    assert any('.query.' in name for name in old)
    assert same(modern_names(old), dict(network.state_dict()))
    assert same(modern_names(network.state_dict()), dict(network.state_dict()))


def test_only_what_is_needed_is_downloaded():
    patterns = safe_patterns()
    assert 'unet/diffusion_pytorch_model.safetensors' in patterns
    assert 'text_encoder/model.safetensors' in patterns
    assert not any(name.endswith(('.bin', '.ckpt', '.pt')) for name in patterns)
    assert not any('fp16' in name or name == '*' for name in patterns)
    assert 'vae/diffusion_pytorch_model.fp16.safetensors' in safe_patterns('.fp16')
    assert pickled_patterns(['vae', 'text_encoder']) == [
        'vae/diffusion_pytorch_model.bin',
        'text_encoder/pytorch_model.bin',
    ]


def test_parts_without_safetensors_are_named(folder):
    assert lacking(folder) == []
    official.pickled(folder, 'vae')
    assert lacking(folder) == ['vae']
