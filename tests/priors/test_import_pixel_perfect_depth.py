# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Imported folders of Pixel-Perfect Depth, and files and folders that are refused."""

import json

from depth_refiner_ros.apps.models_import import checkpoint_of, import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.catalogue import find
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import SIZES
from huggingface_hub import constants
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors import official_pixel_perfect_depth as support
from tests.priors.official_pixel_perfect_depth import ENCODERS, image, published, TRANSFORMERS
from tests.priors.test_pixel_perfect_depth import EXPECTED, numbers

NAME = 'pixel_perfect_depth'
TAPS = {'depth_anything_v2': [2], 'moge2': [0, 2]}
LICENCES = {
    'depth_anything_v2': 'Apache-2.0; holds Depth Anything V2 Large, CC BY-NC 4.0, NO COMMERCIAL',
    'moge2': "Apache-2.0; holds MoGe-2's encoder, MIT, ",
}
BIAS = 'dit.blocks.0.attn.proj.bias'


@pytest.fixture(autouse=True)
def tiny_offline(monkeypatch, tmp_path):
    """Tiny networks in place of the published ones, and a hub that cannot be reached."""
    support.shrink(monkeypatch)
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))


def refusal(folder, **options):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(NAME, str(folder), **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('semantics', EXPECTED)
def test_both_files_of_the_authors_become_a_folder(tmp_path, capsys, semantics):
    published(tmp_path / 'hub', semantics)
    out = tmp_path / 'out'
    import_prior(checkpoint_of(str(tmp_path / 'hub')), out, None, tmp_path / 'i.json')
    assert f'use it with --prior {NAME} --prior-weights {out}' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': NAME}
    assert json.loads((out / 'config.json').read_text()) == {
        'model_type': NAME,
        'architecture': 'large',
        'semantics': semantics,
        'taps': TAPS[semantics],
    }
    prior = build_prior(NAME, str(out), short_side=support.SHORT_SIDE)
    assert numbers(prior.predict(image(), None).depth_B1HW) == pytest.approx(
        EXPECTED[semantics], rel=1e-4
    )
    (line,) = prior.describe()
    assert line.startswith(f'prior {NAME} {semantics}: {LICENCES[semantics]}')
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_prior(tmp_path / 'hub' / TRANSFORMERS[semantics], out, None, None)


def test_the_name_that_the_authors_give_to_the_file_of_moge2_is_known(tmp_path):
    file = published(tmp_path / 'files', 'moge2')
    (file.parent / 'model.pt').rename(file.parent / 'moge2.pt')
    import_prior(file, tmp_path / 'out', None, None)
    assert (tmp_path / 'out' / 'model.safetensors').is_file()


def test_the_transformer_with_the_freer_encoder_is_taken_of_two(tmp_path):
    for semantics in EXPECTED:
        published(tmp_path, semantics)
    assert checkpoint_of(str(tmp_path)) == tmp_path / 'ppd_moge.pth'


def test_files_of_other_models_are_refused(tmp_path, subtests):
    def another(transformer, encoder):
        transformer.clear()
        transformer['a'] = torch.ones(1)

    def lacking(transformer, encoder):
        del transformer[BIAS]

    def other_shape(transformer, encoder):
        transformer[BIAS] = torch.ones(3)

    def not_finite(transformer, encoder):
        transformer[BIAS] *= torch.nan

    def another_encoder(transformer, encoder):
        encoder.clear()
        encoder['a'] = torch.ones(1)

    def lacking_encoder(transformer, encoder):
        name = 'blocks.0.attn.proj.bias'
        del (encoder.get('model') or encoder)[
            f'encoder.backbone.{name}' if 'model' in encoder else f'pretrained.{name}'
        ]

    for semantics, change, message in (
        ('moge2', another, 'ppd_moge.pth does not hold a transformer of Pixel-Perfect Depth; get'),
        ('moge2', lacking, 'ppd_moge.pth: layers.0.out.bias is missing, where VelocityNetwork'),
        ('moge2', other_shape, 'layers.0.out.bias is of shape (3,), where VelocityNetwork of'),
        ('moge2', not_finite, 'layers.0.out.bias holds NaN or infinite values'),
        ('moge2', another_encoder, 'model.pt holds no model_config and model; give the model.pt'),
        ('moge2', lacking_encoder, 'model.pt: encoder.dinov2.layers.0.out.bias is missing'),
        (
            'depth_anything_v2',
            another_encoder,
            'depth_anything_v2_vitl.pth does not hold a Depth Anything V2; get the file again',
        ),
        (
            'depth_anything_v2',
            lacking_encoder,
            'depth_anything_v2_vitl.pth: encoder.layers.0.out.bias is missing',
        ),
    ):
        with subtests.test(message):
            place = tmp_path / f'{semantics} {change.__name__}'
            file = published(place, semantics, change=change)
            with pytest.raises(WeightsError) as caught:
                import_prior(file, tmp_path / 'out', None, None)
            assert message in str(caught.value)
            assert '\n' not in str(caught.value)
            assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('semantics', EXPECTED)
def test_an_encoder_that_is_neither_beside_nor_on_the_hub_is_named(tmp_path, semantics):
    file = published(tmp_path / 'files', semantics)
    file.with_name(ENCODERS[semantics]).unlink()
    with pytest.raises(WeightsError) as caught:
        import_prior(file, tmp_path / 'out', None, None)
    assert f'does not serve the first; get {ENCODERS[semantics]} of ' in str(caught.value)
    assert '\n' not in str(caught.value)


def test_bad_folders_are_refused_by_name(tmp_path, subtests):
    import_prior(published(tmp_path / 'hub', 'moge2'), tmp_path / 'out', None, None)
    folder = tmp_path / 'out'
    config, file = folder / 'config.json', folder / 'model.safetensors'
    good = json.loads(config.read_text())
    for change, message in (
        ({'model_type': 'moge2'}, f"holds a model of type 'moge2'; prior {NAME} needs '{NAME}'"),
        ({'architecture': 'huge'}, "architecture 'huge' is not one of large; import the model"),
        ({'semantics': []}, 'semantics [] is not one of depth_anything_v2, moge2; import the'),
        ({'taps': [0, 3]}, 'taps [0, 3] are not of 3 layers; import the model again'),
        ({'taps': [[0]]}, 'taps [[0]] are not of 3 layers; import the model again'),
        ({'taps': []}, 'taps [] are not of 3 layers; import the model again'),
        ({'taps': 2}, 'taps 2 are not of 3 layers; import the model again'),
    ):
        with subtests.test(message):
            config.write_text(json.dumps({**good, **change}))
            assert message in refusal(folder)
    config.write_text(json.dumps({**good, 'semantics': 'depth_anything_v2', 'taps': [2]}))
    assert 'weights are missing, first semantics.encoder.first' in refusal(folder)
    config.write_text(json.dumps(good))
    state = load_file(file)
    del state['velocity.last.inner.bias']
    save_file(state, file)
    assert '1 weights are missing, first velocity.last.inner.bias' in refusal(folder)
    file.unlink()
    assert 'holds no safetensors' in refusal(folder)
    config.unlink()
    assert 'holds no config.json' in refusal(folder)


def test_without_a_folder_the_import_is_named():
    for semantics, model_id in SIZES[NAME].items():
        assert f'type depth-refiner models import {model_id} FOLDER once' in refusal(semantics)
    assert f'import {SIZES[NAME]["moge2"]} FOLDER once' in refusal('bundled')
    with pytest.raises(WeightsError, match='hub does not serve it'):
        checkpoint_of(SIZES[NAME]['depth_anything_v2'])
    with pytest.raises(WeightsError, match=r'is not on the hub; get ppd_moge\.pth by the link'):
        checkpoint_of(SIZES[NAME]['moge2'])


def test_the_catalogue_knows_them_with_their_licence():
    for semantics, model_id in SIZES[NAME].items():
        model = find(model_id)
        assert model.use == NAME
        assert model.non_commercial == (semantics == 'depth_anything_v2')
