# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Imported folders of InfiniDepth, and files and folders that are refused."""

import json

from depth_refiner_ros.apps.models_import import checkpoint_of, import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.catalogue import find
from depth_refiner_ros.priors import infinidepth
from depth_refiner_ros.priors.infinidepth_network import ARCHITECTURES
from depth_refiner_ros.priors.infinidepth_weights import FILES, NAME, PRIORS, SENSOR
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import SIZES
from huggingface_hub import constants
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors.official_infinidepth import published, TINY
from tests.priors.official_prior_depth_anything import points_m
from tests.priors.test_infinidepth import EXPECTED, numbers, picture, TINY_SIZE

BIAS = 'pretrained.blocks.0.attn.proj.bias'


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch):
    """A tiny network in place of the large one, which sees images at their size."""
    monkeypatch.setitem(ARCHITECTURES, 'large', TINY)
    monkeypatch.setattr(infinidepth, 'OFFICIAL_SIZE', TINY_SIZE)


def refusal(name, folder, **options):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(name, str(folder), **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('name', PRIORS)
def test_the_file_of_the_authors_becomes_a_folder(tmp_path, capsys, name):
    published(tmp_path / 'hub', TINY, name)
    out = tmp_path / 'out'
    import_prior(checkpoint_of(str(tmp_path / 'hub')), out, None, tmp_path / 'i.json')
    assert f'use it with --prior {name} --prior-weights {out}' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': name}
    told = {'model_type': name, 'architecture': 'large'}
    assert json.loads((out / 'config.json').read_text()) == told
    prior = build_prior(name, str(out))
    depth = prior.predict(picture(), None, points_m(0.05, *TINY_SIZE)).depth_B1HW
    assert numbers(depth) == pytest.approx(EXPECTED[name], rel=1e-5)
    (line,) = prior.describe()
    assert line.startswith(f'prior {name} large: Apache-2.0; holds DINOv3 weights, DINOv3 Licen')
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_prior(tmp_path / 'hub' / FILES[name], out, None, None)
    other = NAME if name == SENSOR else SENSOR
    assert f"holds a model of type '{name}'; prior {other} needs '{other}'" in refusal(other, out)


def test_a_shorter_side_keeps_the_aspect_of_the_image(tmp_path, monkeypatch):
    import_prior(published(tmp_path / 'hub', TINY), tmp_path / 'out', None, None)
    seen = []
    prior = build_prior(NAME, str(tmp_path / 'out'), short_side=48)
    network = prior.network
    monkeypatch.setattr(prior, 'network', lambda pixels: seen.append(pixels) or network(pixels))
    assert prior.predict(torch.rand(1, 3, 90, 160), None).depth_B1HW.shape == (1, 1, 90, 160)
    assert tuple(seen[0].shape[-2:]) == (48, 80)


def test_of_two_files_one_must_be_named(tmp_path):
    for name in PRIORS:
        published(tmp_path, TINY, name)
    with pytest.raises(WeightsError, match=r'holds infinidepth\.ckpt and infinidepth_depth'):
        checkpoint_of(str(tmp_path))
    assert checkpoint_of(str(tmp_path / FILES[SENSOR])) == tmp_path / FILES[SENSOR]


def test_files_of_other_models_are_refused(tmp_path, subtests):
    def width(state):
        state['pretrained.cls_token'] = torch.ones(1, 1, 48)

    def lacking(state):
        del state[BIAS]

    def without_detail(state):
        del state['basic_encoder.layer2.0.downsample.0.weight']

    def without_token(state):
        del state['prompt_model.prompt_model.0.prompt_blocks.1.sep']

    def other_shape(state):
        state[BIAS] = torch.ones(3)

    def not_finite(state):
        state[BIAS] *= torch.nan

    def masked_by_nothing(state):
        state['pretrained.blocks.1.attn.qkv.bias_mask'] *= torch.nan

    def another(state):
        state.clear()
        state['a'] = torch.ones(1)

    for change, message in (
        (width, 'does not hold an InfiniDepth (encoder width 48, known 32); get infinidepth.ckpt'),
        (lacking, 'encoder.encoder.layers.0.out.bias is missing, where InfiniDepthNetworks of'),
        (without_detail, 'encoder.detail.levels.1.0.shortcut.weight is missing'),
        (without_token, 'encoder.prompt.between is missing'),
        (other_shape, 'encoder.encoder.layers.0.out.bias is of shape (3,), where'),
        (not_finite, 'encoder.encoder.layers.0.out.bias holds NaN or infinite values'),
        (masked_by_nothing, 'encoder.encoder.layers.1.qkv.bias holds NaN or infinite values'),
        (another, 'does not hold an InfiniDepth (encoder width unknown, known 32); get infini'),
    ):
        with subtests.test(message):
            file = published(tmp_path / change.__name__, TINY, SENSOR, change=change)
            with pytest.raises(WeightsError) as caught:
                import_prior(file, tmp_path / 'out', None, None)
            assert message in str(caught.value)
            assert '\n' not in str(caught.value)
            assert not (tmp_path / 'out').exists()


def test_bad_folders_are_refused_by_name(tmp_path):
    import_prior(published(tmp_path / 'hub', TINY, SENSOR), tmp_path / 'out', None, None)
    folder = tmp_path / 'out'
    config, file = folder / 'config.json', folder / 'model.safetensors'
    good = json.loads(config.read_text())
    for size in ('huge', None, []):
        config.write_text(json.dumps({**good, 'architecture': size}))
        told = refusal(SENSOR, folder)
        assert f'architecture {size!r} is not one of large; import the model again' in told
    config.write_text(json.dumps({**good, 'model_type': NAME}))
    state = load_file(file)
    del state['decoder.second.bias']
    save_file(state, file)
    assert '1 weights are missing, first decoder.second.bias' in refusal(NAME, folder)
    file.unlink()
    assert 'holds no safetensors' in refusal(NAME, folder)
    torch.save({}, folder / 'a.pth')
    assert 'holds only a pickle (a.pth), which is never loaded' in refusal(NAME, folder)
    config.unlink()
    assert 'holds no config.json' in refusal(NAME, folder)


def test_without_a_folder_the_import_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    for name in PRIORS:
        (model_id,) = SIZES[name].values()
        for weights in ('large', 'bundled'):
            told = refusal(name, weights)
            assert f'type depth-refiner models import {model_id} FOLDER once' in told
        with pytest.raises(WeightsError, match='hub does not serve it'):
            checkpoint_of(model_id)


@pytest.mark.parametrize('ending', ['', ':infinidepth_gs'])
def test_a_hub_id_must_say_which_file(ending):
    with pytest.raises(WeightsError, match=r'import one of ritianyu/InfiniDepth:infinidepth, '):
        checkpoint_of(f'ritianyu/InfiniDepth{ending}')


def test_the_catalogue_knows_them_with_both_licences():
    for name in PRIORS:
        model = find(SIZES[name]['large'])
        assert model.use == name
        assert not model.non_commercial
        assert model.licence.startswith('Apache-2.0; holds DINOv3 weights, DINOv3 License')
