# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Published and imported folders of Depth Anything 3, and those that are refused."""

import json
from pathlib import Path

from depth_refiner_ros.apps.models_import import checkpoint_of, import_prior
from depth_refiner_ros.core.errors import DepthRefinerError, WeightsError
from depth_refiner_ros.models.catalogue import find, where_found
from depth_refiner_ros.priors import depth_anything_3_network
from depth_refiner_ros.priors.depth_anything_3_network import ARCHITECTURES, METRIC
from depth_refiner_ros.priors.depth_anything_3_weights import known_for, PRIORS
from depth_refiner_ros.priors.import_checkpoint import import_depth_anything_3
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.priors.sizes import SIZES
from huggingface_hub import constants
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors.official_depth_anything_3 import published, TINY_ANY_VIEW, TINY_SINGLE

RGB = torch.rand(1, 3, 37, 53, generator=torch.Generator().manual_seed(0))
WEIGHTS = 'model.safetensors'


@pytest.fixture(autouse=True)
def shapes(monkeypatch):
    """Tiny networks in place of the published ones."""
    tiny = {METRIC: TINY_SINGLE, 'da3-small': TINY_ANY_VIEW, 'da3mono-large': TINY_SINGLE}
    for name, one in tiny.items():
        monkeypatch.setitem(depth_anything_3_network.ARCHITECTURES, name, one)
    return tiny


def refusal(prior, folder):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(prior, str(folder))
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('name', [METRIC, 'da3-small', 'da3mono-large'])
def test_a_published_folder_and_its_import_give_the_same_depth(shapes, tmp_path, name):
    folder = published(tmp_path / 'hub', name, shapes[name])
    out, prior = tmp_path / 'out', PRIORS[name != METRIC]
    import_prior(checkpoint_of(str(folder)), out, None, tmp_path / 'i.json')
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': prior}
    assert json.loads((out / 'config.json').read_text()) == {
        'model_type': 'depth_anything_3',
        'architecture': name,
    }
    names = set(load_file(out / WEIGHTS))
    assert not any('aux' in key or 'cam_dec' in key for key in names), 'only what depth needs'
    network = build_prior(prior, str(out)).network
    assert names == set(network.state_dict())
    pixels = torch.rand(1, 3, 28, 42, generator=torch.Generator().manual_seed(1))
    original = build_prior(prior, str(folder)).network
    for one, other in zip(network(pixels), original(pixels), strict=True):
        assert torch.equal(one, other)


def test_a_lone_file_needs_its_name(shapes, tmp_path):
    folder = published(tmp_path / 'hub', 'da3-small', TINY_ANY_VIEW)
    (folder / 'config.json').unlink()
    file = folder / WEIGHTS
    with pytest.raises(WeightsError, match='architecture None is not one of da3metric-large, da3'):
        import_depth_anything_3(file, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()
    assert import_depth_anything_3(file, tmp_path / 'out', 'da3-small') == 'da3-small'
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_depth_anything_3(file, tmp_path / 'out', 'da3-small')
    with pytest.raises(WeightsError, match=r'weights are missing|does not load'):
        import_depth_anything_3(file, tmp_path / 'new', METRIC)


def test_a_folder_with_the_name_of_a_size_is_told_as_a_folder(
    shapes, tmp_path, monkeypatch, capsys
):
    published(tmp_path / 'hub', 'da3-small', TINY_ANY_VIEW)
    monkeypatch.chdir(tmp_path)
    import_prior(checkpoint_of('hub'), Path('small'), None, None)
    assert (
        'use it with --prior depth_anything_3 --prior-weights ./small' in capsys.readouterr().out
    )
    assert build_prior('depth_anything_3', './small').describe()[0].endswith('MB, small')


def test_half_precision_weights_are_read(shapes, tmp_path):
    folder = published(tmp_path / 'hub', 'da3-small', TINY_ANY_VIEW)
    state = {key: value.half() for key, value in load_file(folder / WEIGHTS).items()}
    save_file(state, folder / WEIGHTS)
    network = build_prior('depth_anything_3', str(folder)).network
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


def test_another_model_is_refused_by_name(shapes, tmp_path, subtests):
    metric = published(tmp_path / 'metric', METRIC, TINY_SINGLE)
    small = published(tmp_path / 'small', 'da3-small', TINY_ANY_VIEW)
    other = tmp_path / 'other'
    other.mkdir()
    cases = [
        ('depth_anything_3', metric, {}, 'holds da3metric-large; prior depth_anything_3 takes'),
        ('depth_anything_3', metric, {}, 'use prior:=depth_anything_3_metric'),
        ('depth_anything_3_metric', small, {}, 'takes da3metric-large: use prior:=depth_anyth'),
        (
            'depth_anything_3',
            small,
            {'model_name': 'da3nested-giant-large'},
            "holds 'da3nested-giant-large', which is not read; prior depth_anything_3 takes",
        ),
        (
            'depth_anything_3',
            other,
            {'model_type': 'depth_pro'},
            "holds a model of type 'depth_pro'; prior depth_anything_3 needs da3-small or da3-b",
        ),
        ('depth_anything_3', other, {'model_name': 7}, 'holds a model of type 7; prior'),
        (
            'depth_anything_3',
            small,
            {'model_name': 7},
            'names no model_name of Depth Anything 3; ',
        ),
        ('depth_anything_3', small, {'a': 1}, 'import --method da3-small or da3-base or da3mono'),
        ('depth_anything_3', small, [], 'must hold a JSON object'),
        ('depth_anything_3', small, {'model_name': 'da3-base'}, 'has tokens of 32 features, da3-'),
    ]
    for prior, folder, config, message in cases:
        with subtests.test(message):
            if config != {}:
                (folder / 'config.json').write_text(json.dumps(config))
            assert message in refusal(prior, folder)


def test_broken_folders_are_refused(shapes, tmp_path):
    folder = published(tmp_path / 'hub', 'da3-small', TINY_ANY_VIEW)
    whole = load_file(folder / WEIGHTS)

    def changed(change):
        state = dict(whole)
        change(state)
        save_file(state, folder / WEIGHTS)
        return refusal('depth_anything_3', folder)

    token, bias = 'model.backbone.pretrained.cls_token', 'model.head.norm.bias'
    assert '1 weights are missing, first head.norm.bias' in changed(lambda s: s.pop(bias))
    assert 'head.norm.bias holds NaN' in changed(
        lambda s: s.update({bias: whole[bias] * torch.nan})
    )
    assert 'does not load as DepthAnything3Network' in changed(
        lambda s: s.update({bias: torch.zeros(3)})
    )
    assert 'weights are missing, first encoder.' in changed(lambda s: s.pop(token))
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:1000])
    assert 'does not load as' in refusal('depth_anything_3', folder)
    (folder / WEIGHTS).unlink()
    assert 'holds no safetensors' in refusal('depth_anything_3', folder)
    torch.save(whole, folder / 'model.pt')
    assert 'holds only a pickle (model.pt), which is never loaded' in refusal(
        'depth_anything_3', folder
    )
    (folder / 'config.json').unlink()
    assert 'holds no config.json' in refusal('depth_anything_3', folder)


def test_without_network_the_local_folder_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    message = refusal('depth_anything_3_metric', 'large')
    assert 'hf download depth-anything/DA3METRIC-LARGE --local-dir FOLDER' in message
    with pytest.raises(WeightsError, match='hub does not serve it'):
        checkpoint_of('depth-anything/DA3-SMALL')
    assert checkpoint_of('developy/ApDepth') is None
    assert checkpoint_of(str(tmp_path)) is None


def test_the_catalogue_knows_them_with_their_licence(shapes, tmp_path):
    for prior in PRIORS:
        assert len(SIZES[prior]) == len(known_for(prior))
        for hub_id in SIZES[prior].values():
            model = find(hub_id)
            assert model.use == prior
            assert model.licence == 'Apache-2.0'
            assert not model.non_commercial
            assert model.short.lower() in ARCHITECTURES
    folder = published(tmp_path / 'DA3-SMALL', 'da3-small', TINY_ANY_VIEW)
    assert where_found(find('depth-anything/DA3-SMALL'), [tmp_path]) == folder
