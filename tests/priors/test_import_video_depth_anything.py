# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Imported folders of Video Depth Anything, and files and folders that are refused."""

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

from tests.priors.official_video_depth_anything import frame, published, stored, TINY, unit
from tests.priors.test_video_depth_anything import EXPECTED, numbers

NAME = 'video_depth_anything'
PTH = 'metric_video_depth_anything_vits.pth'
MODULE = 'head.motion_modules.0.temporal_transformer.'
POSITIONS = f'{MODULE}transformer_blocks.0.attention_blocks.0.pos_encoder.pe'


@pytest.fixture(autouse=True)
def tiny_shape(monkeypatch):
    """A tiny network in place of the small one."""
    monkeypatch.setitem(depth_anything_v2_network.ARCHITECTURES, 'small', TINY)


def refusal(folder, **options):
    with pytest.raises(DepthRefinerError) as caught:
        build_prior(NAME, str(folder), **options)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('name', [PTH, PTH.replace('.pth', '.safetensors')])
def test_the_authors_file_becomes_a_folder(tmp_path, capsys, name):
    published(tmp_path / 'hub', TINY, name=name)
    out = tmp_path / 'out'
    import_prior(checkpoint_of(str(tmp_path / 'hub')), out, None, tmp_path / 'i.json')
    assert f'use it with --prior {NAME} --prior-weights {out}' in capsys.readouterr().out
    assert json.loads((tmp_path / 'i.json').read_text()) == {'folder': str(out), 'prior': NAME}
    assert json.loads((out / 'config.json').read_text()) == {
        'model_type': NAME,
        'architecture': 'small',
    }
    prior = build_prior(NAME, str(out), short_side=70)
    assert set(load_file(out / 'model.safetensors')) == set(prior.network.state_dict())
    depth = prior.predict(unit(frame(0)), None).depth_B1HW
    assert numbers(depth[0, 0]) == pytest.approx(EXPECTED[0], rel=1e-4)
    (line,) = prior.describe()
    assert line.startswith(f'prior {NAME} small: Apache-2.0, ')
    with pytest.raises(WeightsError, match='is not an empty folder'):
        import_prior(tmp_path / 'hub' / name, out, None, None)


def test_half_precision_weights_are_read(tmp_path):
    state = {key: value.half() for key, value in stored(TINY).items()}
    file = published(tmp_path, TINY, state=state)
    import_prior(file, tmp_path / 'out', None, None)
    network = build_prior(NAME, str(tmp_path / 'out')).network
    assert {value.dtype for value in network.state_dict().values()} == {torch.float32}


def test_files_of_other_models_are_refused(tmp_path, subtests):
    whole = stored(TINY)
    bias = f'{MODULE}proj_out.bias'
    cases = [
        ('video_depth_anything_vits.pth', whole, 'a relative Video Depth Anything, which predi'),
        (PTH, {'a': torch.ones(1)}, 'does not hold a Video Depth Anything (encoder width unknow'),
        (
            PTH,
            {**whole, 'pretrained.cls_token': torch.ones(1, 1, 48)},
            '(encoder width 48, known 32, 768, 1024); get metric_video_depth_anything_vits.pth',
        ),
        (
            PTH,
            {key: value for key, value in whole.items() if key != bias},
            'head.motions.0.leave.bias is missing, where VideoDepthAnythingNetwork of this size',
        ),
        (PTH, {**whole, bias: torch.ones(3)}, 'head.motions.0.leave.bias is of shape (3,), where'),
        (PTH, {**whole, bias: whole[bias] * torch.nan}, 'leave.bias holds NaN or infinite values'),
        (PTH, {**whole, POSITIONS: whole[POSITIONS] + 0.1}, 'holds other positions in time than'),
        (PTH, {**whole, POSITIONS: torch.ones(4)}, 'holds other positions in time than'),
        (PTH, {'model': 3}, 'does not hold named tensors only'),
    ]
    for index, (name, state, message) in enumerate(cases):
        with subtests.test(message):
            file = published(tmp_path / str(index), TINY, name=name, state=state)
            with pytest.raises(WeightsError) as caught:
                import_prior(file, tmp_path / 'out', None, None)
            assert message in str(caught.value)
            assert '\n' not in str(caught.value)
            assert not (tmp_path / 'out').exists()


def test_broken_files_are_refused(tmp_path):
    pickle, tensors = PTH, PTH.replace('.pth', '.safetensors')
    for name, message in ((pickle, 'is broken or holds more'), (tensors, 'is not readable safet')):
        file = published(tmp_path / name, TINY, name=name)
        file.write_bytes(file.read_bytes()[:1000])
        with pytest.raises(WeightsError, match=message):
            import_prior(file, tmp_path / 'out', None, None)


def test_bad_folders_are_refused_by_name(tmp_path, subtests):
    import_prior(published(tmp_path / 'hub', TINY), tmp_path / 'out', None, None)
    folder = tmp_path / 'out'
    config, file = folder / 'config.json', folder / 'model.safetensors'
    good = config.read_text()
    for text, message in (
        ('{"model_type": "moge2"}', "holds a model of type 'moge2'; prior video_depth_anything"),
        (good.replace('small', 'huge'), "architecture 'huge' is not one of small, base, large;"),
        ('{"model_type": "video_depth_anything", "architecture": []}', 'architecture [] is not'),
        ('[]', 'must hold a JSON object'),
    ):
        with subtests.test(message):
            config.write_text(text)
            assert message in refusal(folder)
    config.write_text(good)
    state = load_file(file)
    del state['head.motions.0.leave.bias']
    save_file(state, file)
    assert '1 weights are missing, first head.motions.0.leave.bias' in refusal(folder)
    file.unlink()
    assert 'holds no safetensors' in refusal(folder)
    torch.save({}, folder / PTH)
    assert f'holds only a pickle ({PTH}), which is never loaded' in refusal(folder)
    config.unlink()
    assert 'holds no config.json' in refusal(folder)


def test_without_a_folder_the_import_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, 'HF_HUB_OFFLINE', True)
    monkeypatch.setattr(constants, 'HF_HUB_CACHE', str(tmp_path / 'cache'))
    for size, hub_id in SIZES[NAME].items():
        message = refusal(size)
        assert f'type depth-refiner models import {hub_id} FOLDER once and set' in message
        with pytest.raises(WeightsError, match='hub does not serve it'):
            checkpoint_of(hub_id)
    assert 'depth-anything/Metric-Video-Depth-Anything-Small FOLDER once' in refusal('bundled')
    assert 'prior_input = official_code is for depth_anything_v2 and' in refusal(
        tmp_path, input='official_code'
    )


def test_the_catalogue_knows_them_with_their_licence():
    for size, hub_id in SIZES[NAME].items():
        model = find(hub_id)
        assert model.use == NAME
        assert model.non_commercial == (size != 'small')
        assert model.licence == ('Apache-2.0' if size == 'small' else 'CC BY-NC 4.0')
