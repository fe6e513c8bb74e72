# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path

from depth_refiner_ros.core.errors import DepthRefinerError, SettingsError, WeightsError
from depth_refiner_ros.priors import model_folder
from depth_refiner_ros.priors.bundled import write_prior_bundle
from depth_refiner_ros.priors.registry import build_prior, BUILDERS
from depth_refiner_ros.priors.sizes import licence_of, SIZES
from depth_refiner_ros.settings.networks import PRIORS
import pytest
from safetensors.torch import load_file, save_file
import torch

from tests.priors import tiny_models
from tests.tiny_networks import metric_network

OF_PICKLES = 'unidepth', 'moge2', 'video', 'prior_depth', 'infinidepth', 'pixel_perfect'
HUB = [name for name in SIZES if not name.startswith(OF_PICKLES)]


@pytest.fixture(scope='module')
def metric(tmp_path_factory):
    return tiny_models.saved(tiny_models.depth_anything(), tmp_path_factory.mktemp('metric'))


@pytest.fixture(scope='module')
def relative(tmp_path_factory):
    model = tiny_models.depth_anything('relative', 1)
    return tiny_models.saved(model, tmp_path_factory.mktemp('relative'))


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network access and an empty cache, whatever this machine has."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))


def refusal(prior, weights, **options):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(prior, str(weights), **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_every_prior_of_the_settings_can_be_built():
    assert set(PRIORS) == set(BUILDERS)


def test_a_prior_without_weights_says_what_to_name(subtests):
    for prior in HUB:
        with subtests.test(prior=prior):
            message = refusal(prior, 'bundled')
            assert f'prior {prior} comes without weights' in message
            assert next(iter(SIZES[prior].values())) in message


def test_a_prior_without_weights_says_what_to_import(subtests):
    imported = {*SIZES, 'metric3d_v2'} - {*HUB, 'unidepth_v1', 'unidepth_v2'}
    assert 'moge2' in imported
    for prior in imported:
        with subtests.test(prior=prior):
            message = refusal(prior, 'bundled')
            start = f'prior {prior} comes without weights: type depth-refiner models import '
            assert message.startswith(start)
            assert "'bundled'" not in message
            assert prior == 'metric3d_v2' or message.split()[9] in SIZES[prior].values()


def test_an_unknown_size_is_refused_by_name(subtests):
    for prior in HUB:
        with subtests.test(prior=prior):
            message = refusal(prior, 'gigantic')
            assert "prior_weights = 'gigantic' is neither a size of" in message
            assert next(iter(SIZES[prior])) in message


@pytest.mark.parametrize(
    ('prior', 'weights', 'hub_id'),
    [
        ('depth_anything_v2', 'small', 'depth-anything/Depth-Anything-V2-Small-hf'),
        (
            'depth_anything_v2_metric',
            'outdoor-base',
            'depth-anything/Depth-Anything-V2-Metric-Outdoor-Base-hf',
        ),
        ('zoedepth', 'somebody/zoe', 'somebody/zoe'),
    ],
)
def test_a_hub_id_without_network_names_the_local_folder(offline, prior, weights, hub_id):
    message = refusal(prior, weights)
    assert f'{hub_id} is not a local folder, and the Hugging Face hub does not serve it' in message
    assert f'hf download {hub_id} --local-dir FOLDER) and name the local folder' in message


def test_a_folder_that_is_not_there_is_no_hub_id(tmp_path):
    assert 'is not a folder; prior zoedepth takes' in refusal('zoedepth', tmp_path / 'a' / 'b')
    assert 'is not a folder' in refusal('zoedepth', './weights/zoe')


def test_what_was_downloaded_is_used_without_asking_the_hub(offline, tmp_path, metric):
    store = tmp_path / 'cache' / 'models--somebody--depth'
    snapshot = store / 'snapshots' / 'abc123'
    (store / 'refs').mkdir(parents=True)
    (store / 'refs' / 'main').write_text('abc123')
    snapshot.parent.mkdir()
    snapshot.symlink_to(metric, target_is_directory=True)
    assert model_folder.find_folder('depth_anything_v2_metric', 'somebody/depth') == snapshot


def test_a_bundle_is_no_model(tmp_path):
    bundle = write_prior_bundle(tmp_path / 'prior', metric_network(), {'name': 'tiny'})
    assert 'is a bundle of this package, not a model for prior zoedepth' in refusal(
        'zoedepth', bundle.path
    )


def test_a_folder_without_configuration_is_refused(tmp_path):
    assert 'holds no config.json' in refusal('depth_pro', tmp_path)
    (tmp_path / 'config.json').write_text('{broken')
    assert 'is not readable JSON' in refusal('depth_pro', tmp_path)
    (tmp_path / 'config.json').write_text('[]')
    assert 'must hold a JSON object' in refusal('depth_pro', tmp_path)


def test_another_model_is_refused(metric, relative):
    assert "holds a model of type 'depth_anything'; prior zoedepth needs 'zoedepth'" in refusal(
        'zoedepth', metric
    )
    assert 'predicts disparity without a scale' in refusal('depth_anything_v2_metric', relative)
    assert 'predicts metric depth; prior depth_anything_v2 needs a relative model' in refusal(
        'depth_anything_v2', metric
    )


def test_pickles_are_never_loaded(metric, tmp_path):
    (tmp_path / 'config.json').write_text((metric / 'config.json').read_text())
    assert 'holds no safetensors' in refusal('depth_anything_v2_metric', tmp_path)
    torch.save(load_file(metric / 'model.safetensors'), tmp_path / 'pytorch_model.bin')
    assert 'holds only a pickle (pytorch_model.bin)' in refusal(
        'depth_anything_v2_metric', tmp_path
    )


def changed(metric, folder, change):
    state = load_file(metric / 'model.safetensors')
    change(state)
    save_file(state, folder / 'model.safetensors', {'format': 'pt'})
    (folder / 'config.json').write_text((metric / 'config.json').read_text())
    return folder


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda state: state.pop('head.conv3.bias'), 'missing keys, first head.conv3.bias'),
        (
            lambda state: state.update({'head.conv3.bias': torch.tensor([float('nan')])}),
            'head.conv3.bias holds NaN',
        ),
        (lambda state: state.update({'head.conv3.bias': torch.zeros(3)}), 'does not load as'),
    ],
)
def test_weights_that_do_not_fit_are_refused(metric, tmp_path, change, message):
    assert message in refusal('depth_anything_v2_metric', changed(metric, tmp_path, change))


@pytest.mark.parametrize(
    'change',
    [
        {'backbone_config': {'model_type': 'no_such_backbone'}},
        {'patch_size': 'fourteen'},
        {'fusion_hidden_size': 24},
    ],
)
def test_a_broken_configuration_is_one_line(metric, tmp_path, change):
    folder = changed(metric, tmp_path, lambda state: None)
    config = json.loads((folder / 'config.json').read_text())
    (folder / 'config.json').write_text(json.dumps({**config, **change}))
    assert 'does not load as DepthAnythingForDepthEstimation' in refusal(
        'depth_anything_v2_metric', folder
    )


def test_truncated_weights_are_refused(metric, tmp_path):
    folder = changed(metric, tmp_path, lambda state: None)
    file = folder / 'model.safetensors'
    file.write_bytes(file.read_bytes()[:1000])
    assert 'does not load as' in refusal('depth_anything_v2_metric', folder)


def test_options_that_a_prior_lacks_are_refused(subtests):
    cases = [
        ({'short_side': 280}, 'prior zoedepth has a fixed size'),
        ({'input': 'official_compat'}, 'is only for depth_anything_v2'),
        ({'focal_rule': 'perhaps'}, "prior_focal_rule = 'perhaps' must be one of auto, none"),
        ({'input': 'official_code'}, 'is for depth_anything_v2 and depth_anything_v2_metric'),
        ({'input': 'raw'}, "prior_input = 'raw' must be one of model, official_code, official_c"),
    ]
    for options, message in cases:
        with subtests.test(options=options), pytest.raises(SettingsError, match=message):
            build_prior('zoedepth', 'nyu-kitti', **options)


def test_licences_that_forbid_commercial_use_are_told_loudly():
    assert licence_of('depth_anything_v2', 'small') == 'Apache-2.0'
    for prior, size in (
        ('depth_anything_v2', 'large'),
        ('unidepth_v1', 'vitl14'),
        ('depth_pro', 'large'),
        ('unidepth_v2', 'vits14'),
    ):
        assert 'NO COMMERCIAL USE' in licence_of(prior, size)
    assert 'see the model card' in licence_of('depth_anything_v2', 'width 32')


def test_a_hub_id_with_a_wrong_form_is_refused():
    with pytest.raises(WeightsError, match='correct the id'):
        model_folder.find_folder('zoedepth', 'some--body/zoe..depth')


def test_the_path_of_a_folder_may_start_at_home(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'zoe').mkdir()
    assert model_folder.find_folder('zoedepth', '~/zoe') == Path(tmp_path / 'zoe')
