# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published and imported folders of UniK3D, and those that are refused."""

import json

from depth_refiner_ros.apps.models_import import checkpoint_of, import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.catalogue import find
from depth_refiner_ros.priors import unik3d_network
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import SIZES
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors.official_unik3d import image, published, TINY
from tests.priors.test_unik3d import CAMERA, EXPECTED, numbers

WEIGHTS = 'model.safetensors'


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch):
    """A tiny network in place of the small one."""
    monkeypatch.setitem(unik3d_network.ARCHITECTURES, 'vits', TINY)


def refusal(folder):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior('unik3d', str(folder))
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_a_published_folder_and_the_import_of_its_pickle_give_the_same_depth(tmp_path, capsys):
    hub = published(tmp_path / 'hub', TINY)
    pickled, out = published(tmp_path / 'pickled', TINY, pickle=True), tmp_path / 'out'
    assert 'holds only a pickle (pytorch_model.bin), which is never loaded' in refusal(pickled)
    import_prior(checkpoint_of(str(pickled)), out, None, tmp_path / 'i.json')
    assert f'use it with --prior unik3d --prior-weights {out}' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': 'unik3d'}
    names = set(load_file(out / WEIGHTS))
    assert not any('confidence' in name for name in names), 'only what depth needs'
    for folder in (hub, out):
        prior = build_prior('unik3d', str(folder))
        depth = prior.predict(image(), CAMERA).depth_B1HW
        assert numbers(depth) == pytest.approx(EXPECTED['pinhole'], rel=1e-4)
        (line,) = prior.describe()
        assert line.startswith('prior unik3d vits: CC BY-NC 4.0, NO COMMERCIAL USE, ')
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_prior(pickled / 'pytorch_model.bin', out, None, None)


def test_another_model_is_refused_by_name(tmp_path, subtests):
    encoder = {'name': 'dinov2_vitg14'}
    for config, message in (
        ({'model_type': 'moge2'}, "holds a model of type 'moge2'; prior unik3d needs UniK3D vits"),
        ({'model': {'name': 'UniDepthV2'}}, 'holds a model of type None; prior unik3d needs'),
        (
            {'model': {'name': 'UniK3D', 'pixel_encoder': encoder}},
            "holds a model of type UniK3D 'dinov2_vitg14'; prior unik3d needs UniK3D vits, vitb",
        ),
        ({'model': {'name': 'UniK3D'}}, 'holds a model of type UniK3D None; prior'),
        ({'model_type': 'unik3d', 'architecture': 'huge'}, 'holds a model of type UniK3D huge'),
        ([], 'must hold a JSON object'),
        ({'model_type': 'unik3d', 'architecture': 'vitb'}, 'does not load as UniK3DNetwork'),
    ):
        with subtests.test(message):
            assert message in refusal(published(tmp_path, TINY, config=config))


def test_broken_folders_and_pickles_are_refused(tmp_path):
    folder = published(tmp_path / 'hub', TINY)
    state, lacking = load_file(folder / WEIGHTS), 'pixel_decoder.radial_module.to_latents.bias'
    del state[lacking]
    save_file(state, folder / WEIGHTS)
    assert '1 weights are missing, first distance.first.bias' in refusal(folder)
    torch.save(state, folder / 'pytorch_model.bin')
    with pytest.raises(WeightsError, match=r'distance.first.bias is missing, where UniK3DNetwork'):
        import_prior(folder / 'pytorch_model.bin', tmp_path / 'out', None, None)
    torch.save({'a': torch.ones(1)}, folder / 'pytorch_model.bin')
    with pytest.raises(
        WeightsError, match=r'does not hold a UniK3D .encoder width unknown, known'
    ):
        import_prior(folder / 'pytorch_model.bin', tmp_path / 'out', None, None)
    assert not (tmp_path / 'out').exists()
    (folder / 'config.json').unlink()
    assert 'holds no config.json' in refusal(folder)
    assert checkpoint_of(str(folder)) is None


def test_the_catalogue_says_that_they_are_not_for_commercial_use():
    for hub_id in SIZES['unik3d'].values():
        model = find(hub_id)
        assert model.use == 'unik3d'
        assert model.non_commercial
