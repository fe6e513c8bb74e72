# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MoGe-2 from its authors' ``model.pt``: its names, its sizes, and what is refused."""

import json
import math

from depth_refiner_ros.apps.models_import import import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.hub import fetch
from depth_refiner_ros.priors import moge2_official
from depth_refiner_ros.priors.import_checkpoint import import_moge2
from depth_refiner_ros.priors.moge2_network import MoGe2Network
from depth_refiner_ros.priors.moge2_official import check_weights, config_of, weights_of
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import licence_of, SIZES
import pytest
from safetensors.torch import load_file, save_file
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.priors import tiny_moge2

META = torch.device('meta')


@pytest.mark.parametrize(
    ('size', 'normals', 'millions'),
    [('S', True, 35.10), ('B', True, 104.74), ('L', True, 330.90), ('L', False, 326.21)],
)
def test_the_sizes_are_those_that_were_published(size, normals, millions):
    """The authors name 35, 104, 331 and 326 million; the first file has 140,550,416 bytes."""
    shapes = tiny_moge2.official_shapes(size, normals=normals)
    counted = {name: shape for name, shape in shapes.items() if 'image_' not in name}
    assert sum(map(math.prod, counted.values())) / 1e6 == pytest.approx(millions, abs=0.005)
    state = weights_of({name: torch.empty(shape, device=META) for name, shape in shapes.items()})
    config = config_of(tiny_moge2.official_config(size, normals=normals), 'model.pt')
    check_weights(state, config, 'model.pt')
    with FakeTensorMode():  # shapes without memory
        network = MoGe2Network(config)
        raw, valid, log_scale = network(torch.rand(1, 3, 42, 56), torch.rand(1, 2))
    assert (raw.shape, valid.shape, log_scale.shape) == ((1, 3, 48, 64), (1, 1, 48, 64), (1, 1))


@pytest.fixture
def small(monkeypatch):
    """Add a size whose official file is small."""
    monkeypatch.setitem(tiny_moge2.PUBLISHED, 'T', ('dinov2_tiny', 16, 2, (1,), 1))
    monkeypatch.setattr(tiny_moge2, 'CHANNELS', (12, 8, 6, 4))
    known = {'width': 16, 'layers': 2, 'heads': 2}
    monkeypatch.setitem(moge2_official.BACKBONES, 'dinov2_tiny', known)


def official(**changes):
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(shape, generator=generator) * 0.1
        for name, shape in tiny_moge2.official_shapes('T').items()
    }
    config = tiny_moge2.official_config('T', tokens=(6, 12))
    return {'model_config': config | changes, 'model': state}


def test_a_checkpoint_becomes_a_prior(small, tmp_path, capsys):
    tree = official()
    torch.save(tree, tmp_path / 'model.pt')
    import_prior(tmp_path / 'model.pt', tmp_path / 'out', None, tmp_path / 'i.json')
    assert 'use it with --prior moge2 --prior-weights' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text())['prior'] == 'moge2'
    state = load_file(tmp_path / 'out/model.safetensors')
    assert torch.equal(
        state['encoder.dinov2.layers.1.qkv.weight'],
        tree['model']['encoder.backbone.blocks.1.attn.qkv.weight'],
    )
    assert not [name for name in state if 'normal' in name]
    depth = build_prior('moge2', str(tmp_path / 'out')).predict(torch.rand(1, 3, 37, 53), None)
    assert depth.depth_B1HW.shape == (1, 1, 37, 53)
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_moge2(tmp_path / 'model.pt', tmp_path / 'out')


def refusal(folder, tree):
    torch.save(tree, folder / 'model.pt')
    with pytest.raises(WeightsError) as caught:
        import_moge2(folder / 'model.pt', folder / 'out')
    assert not (folder / 'out').exists()
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_what_is_not_built_here_is_refused_by_its_name(small, tmp_path, subtests):
    config = official()['model_config']
    neck, head, encoder = config['neck'], config['points_head'], config['encoder']
    cases = [
        ({'encoder': 'dinov2_vitl14'}, 'has no encoder; MoGe-1 has no scale in metres'),
        ({'scale_head': None}, 'has no scale_head; MoGe-1'),
        (
            {'encoder': {**encoder, 'backbone': 'dinov2_vitg14'}},
            "encoder.backbone = 'dinov2_vitg14' is not built here, only dinov2_vits14",
        ),
        (
            {'neck': {**neck, 'res_block_in_norm': 'layer_norm'}},
            "neck.res_block_in_norm = 'layer_norm' is not built here, only 'none'",
        ),
        (
            {'points_head': {k: v for k, v in head.items() if k != 'res_block_hidden_norm'}},
            "points_head.res_block_hidden_norm = 'group_norm' is not built here, only 'none'",
        ),
        ({'neck': {**neck, 'resamplers': 'nearest'}}, "neck.resamplers = 'nearest'"),
        ({'mask_head': {**head, 'dim_out': [1] * 5}}, 'mask_head.dim_out = [1, 1, 1, 1, 1]'),
        ({'scale_head': {'dims': [16, 3]}}, 'scale_head.dims = [16, 3]'),
        ({'remap_output': 'log'}, "output = 'log' is not one of linear, sinh, exp, sinh_exp"),
        (
            {'encoder': {**encoder, 'intermediate_layers': [0]}},
            'taps = (0,) must rise to the last layer, 1',
        ),
    ]
    for change, message in cases:
        with subtests.test(message):
            assert message in refusal(tmp_path, official(**change))


def test_weights_of_another_model_are_refused(small, tmp_path, subtests):
    name = 'points_head.output_blocks.4.bias'
    cases = [
        (lambda state: state.pop(name), 'lacks points.last.inner.bias'),
        (lambda state: state.update({name: torch.ones(4)}), 'has shape (4,), its configuration'),
        (lambda state: state.update({'refiner.w': torch.ones(4)}), 'holds refiner.w, which'),
    ]
    for change, message in cases:
        with subtests.test(message):
            tree = official()
            change(tree['model'])
            assert message in refusal(tmp_path, tree)
    assert 'holds no model_config and model' in refusal(tmp_path, official()['model'])


def test_code_in_a_checkpoint_never_runs(tmp_path):
    assert 'holds more than tensors' in refusal(tmp_path, {'model': tiny_moge2.TINY})


def told(weights):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior('moge2', str(weights))
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_a_size_tells_how_to_get_it():
    for size, hub_id in SIZES['moge2'].items():
        message = told(size)
        assert f'models import {hub_id} FOLDER once and set prior_weights to FOLDER' in message
        assert f'or to {hub_id}-onnx with backend:=onnx' in message
        assert licence_of('moge2', size) == 'MIT'
        assert f'models import {hub_id} FOLDER' in told(hub_id.partition('/')[2])


def test_a_folder_that_does_not_fit_is_refused(tmp_path, subtests):
    folder = tiny_moge2.saved(tiny_moge2.tiny(), tmp_path / 'moge2')
    config = json.loads((folder / 'config.json').read_text())
    cases = [
        ({'model_type': 'depth_pro'}, "holds a model of type 'depth_pro'"),
        ({'heads': 3}, 'must be that of scale_widths and whole heads'),
        ({'layers': 'three'}, "layers = 'three' must be of type int"),
        ({'channels': [16, 12, 8]}, 'must be of one length'),
        ({'most_tokens': 0}, 'most_tokens = 0 must lie between'),
        ({'color': 'red'}, 'color'),
        ({'features': 13}, 'does not load as MoGe2Network'),
    ]
    for change, message in cases:
        with subtests.test(message):
            (folder / 'config.json').write_text(json.dumps({**config, **change}))
            assert message in told(folder)
    (folder / 'config.json').write_text(json.dumps(config))
    state = load_file(folder / 'model.safetensors')
    save_file(
        {**state, 'scale.inner.0.bias': torch.full((8,), math.nan)}, folder / 'model.safetensors'
    )
    assert 'scale.inner.0.bias holds NaN' in told(folder)
    state.pop('encoder.dinov2.first')
    save_file(state, folder / 'model.safetensors')
    assert '1 weights are missing, first encoder.dinov2.first' in told(folder)
    (folder / 'model.safetensors').rename(folder / 'model.pt')
    assert 'holds only a pickle (model.pt), which is never loaded; convert it once' in told(folder)


def test_without_network_the_hub_is_named(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    with pytest.raises(WeightsError, match='hf download Ruicheng/moge-2-vits-normal --local-dir'):
        fetch(SIZES['moge2']['small'], ('model.pt',))
