# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Imported folders of Prior Depth Anything, and files and folders that are refused."""

import json

from depth_refiner_ros.apps.models_import import checkpoint_of, import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.catalogue import find
from depth_refiner_ros.priors import depth_anything_v2_network
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import SIZES
from huggingface_hub import constants
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors.official_prior_depth_anything import (
    FINE,
    image,
    OLD_FINE,
    points_m,
    published,
    RELATIVE,
    TINY,
)
from tests.priors.test_prior_depth_anything import EXPECTED, numbers

NAME = 'prior_depth_anything'
BIAS = 'pretrained.blocks.0.attn.proj.bias'


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch):
    """A tiny network in place of the small one."""
    monkeypatch.setitem(depth_anything_v2_network.ARCHITECTURES, 'small', TINY)


def refusal(folder, **options):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(NAME, str(folder), **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(('condition', 'file'), [('mask', FINE), ('error', OLD_FINE)])
def test_both_files_of_the_authors_become_a_folder(tmp_path, capsys, condition, file):
    published(tmp_path / 'hub', TINY, fine=file)
    out = tmp_path / 'out'
    import_prior(checkpoint_of(str(tmp_path / 'hub')), out, None, tmp_path / 'i.json')
    assert f'use it with --prior {NAME} --prior-weights {out}' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': NAME}
    assert json.loads((out / 'config.json').read_text()) == {
        'model_type': NAME,
        'architecture': 'small',
        'relative': 'small',
        'condition': condition,
    }
    prior = build_prior(NAME, str(out))
    depth = prior.predict(image(), None, points_m(0.05)).depth_B1HW
    assert numbers(depth) == pytest.approx(EXPECTED[condition], rel=1e-4)
    (line,) = prior.describe()
    assert line.startswith(f'prior {NAME} small: Apache-2.0, ')
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_prior(tmp_path / 'hub' / file, out, None, None)


def test_version_1_1_is_taken_of_two(tmp_path):
    for file in (OLD_FINE, FINE):
        published(tmp_path, TINY, fine=file)
    assert checkpoint_of(str(tmp_path)) == tmp_path / FINE


def test_files_of_other_models_are_refused(tmp_path, subtests):
    def width(relative, fine):
        fine['pretrained.cls_token'] = torch.ones(1, 1, 48)

    def no_condition(relative, fine):
        for end in ('weight', 'bias'):
            del fine[f'pretrained.patch_embed.alpha_proj.{end}']

    def lacking(relative, fine):
        del fine[BIAS]

    def lacking_relative(relative, fine):
        del relative[BIAS]

    def half_condition(relative, fine):
        del fine['pretrained.patch_embed.alpha_proj.bias']

    def other_shape(relative, fine):
        relative[BIAS] = torch.ones(3)

    def not_finite(relative, fine):
        fine[BIAS] *= torch.nan

    def another(relative, fine):
        relative.clear()
        relative['a'] = torch.ones(1)

    for change, message in (
        (width, 'has an encoder of width 48, known 32, 768, 1024; get the file of a small or'),
        (no_condition, f'{FINE} does not hold a conditioned network of Prior Depth Anything'),
        (half_condition, 'encoder.patches.weight is of shape (32, 3, 14, 14), where Disparity'),
        (lacking, f'{FINE}: encoder.layers.0.out.bias is missing, where DisparityNetwork'),
        (lacking_relative, f'{RELATIVE}: encoder.layers.0.out.bias is missing'),
        (other_shape, 'encoder.layers.0.out.bias is of shape (3,), where'),
        (not_finite, 'encoder.layers.0.out.bias holds NaN or infinite values'),
        (another, f'{RELATIVE} does not hold a relative Depth Anything V2; get the file again'),
    ):
        with subtests.test(message):
            file = published(tmp_path / change.__name__, TINY, change=change)
            with pytest.raises(WeightsError) as caught:
                import_prior(file, tmp_path / 'out', None, None)
            assert message in str(caught.value)
            assert '\n' not in str(caught.value)
            assert not (tmp_path / 'out').exists()


def test_the_first_network_is_taken_of_another_size_or_missed(tmp_path):
    file = published(tmp_path, TINY)
    (tmp_path / RELATIVE).rename(tmp_path / 'depth_anything_v2_vitb.pth')
    import_prior(file, tmp_path / 'out', None, None)
    assert json.loads((tmp_path / 'out' / 'config.json').read_text())['relative'] == 'small'
    (tmp_path / 'depth_anything_v2_vitb.pth').unlink()
    with pytest.raises(WeightsError, match=f'is the second of two networks; get {RELATIVE}, too'):
        import_prior(file, tmp_path / 'other', None, None)


def test_bad_folders_are_refused_by_name(tmp_path, subtests):
    import_prior(published(tmp_path / 'hub', TINY), tmp_path / 'out', None, None)
    folder = tmp_path / 'out'
    config, file = folder / 'config.json', folder / 'model.safetensors'
    good = json.loads(config.read_text())
    for change, message in (
        ({'model_type': 'moge2'}, f"holds a model of type 'moge2'; prior {NAME} needs '{NAME}'"),
        ({'architecture': 'huge'}, "architecture 'huge' is not one of small, base, large; import"),
        ({'relative': []}, 'relative [] is not one of small, base, large; import the model again'),
        ({'condition': None}, 'condition None is not one of mask, error; import the model again'),
    ):
        with subtests.test(message):
            config.write_text(json.dumps({**good, **change}))
            assert message in refusal(folder)
    config.write_text(json.dumps({**good, 'relative': 'base'}))
    assert 'does not load as PriorDepthAnythingNetworks' in refusal(folder)
    config.write_text(json.dumps(good))
    state = load_file(file)
    del state['fine.head.narrow.bias']
    save_file(state, file)
    assert '1 weights are missing, first fine.head.narrow.bias' in refusal(folder)
    file.unlink()
    assert 'holds no safetensors' in refusal(folder)
    torch.save({}, folder / FINE)
    assert f'holds only a pickle ({FINE}), which is never loaded' in refusal(folder)
    config.unlink()
    assert 'holds no config.json' in refusal(folder)


def test_without_a_folder_the_import_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    for size, model_id in SIZES[NAME].items():
        assert f'type depth-refiner models import {model_id} FOLDER once' in refusal(size)
        with pytest.raises(WeightsError, match='hub does not serve it'):
            checkpoint_of(model_id)
    assert 'import Rain729/Prior-Depth-Anything:vits FOLDER once' in refusal('bundled')


@pytest.mark.parametrize('size', ['', ':vitx'])
def test_a_size_that_is_not_published_is_told(size):
    with pytest.raises(WeightsError, match=r'is not published; import one of Rain729/.*:vits, '):
        checkpoint_of(f'Rain729/Prior-Depth-Anything{size}')


def test_the_catalogue_knows_them_with_their_licence():
    for size, model_id in SIZES[NAME].items():
        model = find(model_id)
        assert model.use == NAME
        assert model.non_commercial == (size != 'small')
        assert model.licence.startswith('Apache-2.0')
