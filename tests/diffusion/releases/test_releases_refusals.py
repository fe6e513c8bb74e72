# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Releases that would run but give wrong depth are refused, with the reason and the fix."""

import json
import shutil

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.load import load_release
import pytest
import torch

from tests.diffusion.releases import official_folders as official


def refused(folder, match, **arguments):
    with pytest.raises(WeightsError, match=match) as caught:
        load_release(folder, **arguments)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
    ('write', 'arguments', 'match'),
    [
        (
            official.marigold,
            {'method': 'apdepth'},
            'is known as marigold; read as apdepth it would',
        ),
        (official.apdepth, {'method': 'marigold'}, 'is known as apdepth'),
        (official.lotus_d, {'method': 'sharpdepth'}, 'is known as lotus_d'),
    ],
)
def test_a_known_model_read_as_another(tmp_path, write, arguments, match):
    refused(write(tmp_path), match, **arguments)


@pytest.mark.parametrize(
    ('write', 'arguments', 'match'),
    [
        (
            official.lotus_d,
            {'method': 'sharpdepth'},
            r'has 4 input channels, sharpdepth needs 8: .*Lotus-D takes only one latent',
        ),
        (
            official.lotus_g,
            {'method': 'lotus_d'},
            r'has 8 input channels, lotus_d needs 4, .*may be Lotus-G',
        ),
        (
            official.marigold,
            {'method': 'sharpdepth'},
            'no class embedding, so it would silently ignore the task',
        ),
        (official.marigold, {'method': 'lotus'}, 'no class embedding'),
        (
            official.sharpdepth,
            {'method': 'apdepth'},
            'a class embedding of width 4; apdepth needs no',
        ),
        (official.lotus_g, {'method': 'marigold'}, 'a class embedding of width 4'),
        (official.stable_diffusion, {}, 'not a depth model; to start training from it'),
        (official.stable_diffusion, {'method': 'apdepth'}, 'add --widen'),
        (
            official.sharpdepth,
            {'method': 'sharp'},
            "method = 'sharp' must be one of lotus, sharpdept",
        ),
        (
            official.sharpdepth,
            {'preset': 'official_compat'},
            'sharpdepth has released, official_code, paper, paper_tables',
        ),
        (
            official.apdepth,
            {'method': 'apdepth', 'prediction': 'v_prediction'},
            'read as sample; leave it out',
        ),
    ],
)
def test_a_model_of_another_kind(tmp_path, write, arguments, match):
    refused(write(tmp_path, 'mine'), match, **arguments)


@pytest.mark.parametrize(
    ('write', 'word', 'reads'),
    [
        (official.sharpdepth, 'v_prediction', 'sample'),
        (official.lotus_g, 'epsilon', 'sample'),
        (official.lotus_d, 'v_prediction', 'sample'),
        (official.apdepth, 'epsilon', 'sample'),
        (official.marigold, 'epsilon', 'v_prediction'),
        (official.marigold, 'sample', 'v_prediction'),
    ],
)
def test_a_wrong_prediction_type(tmp_path, write, word, reads):
    folder = write(tmp_path)
    official.edit(folder / 'scheduler/scheduler_config.json', prediction_type=word)
    refused(folder, f'predicts {word}, but it would be read as {reads}; .*--prediction {reads}')
    assert load_release(folder, prediction=reads).notes


@pytest.mark.parametrize(
    'changes',
    [{'beta_schedule': 'squaredcos_cap_v2'}, {'beta_end': 0.02}, {'num_train_timesteps': 500}],
)
def test_another_noise_schedule(tmp_path, changes):
    folder = official.marigold(tmp_path)
    official.edit(folder / 'scheduler/scheduler_config.json', **changes)
    refused(folder, f'{next(iter(changes))} is ')


def test_zero_terminal_snr_where_it_does_not_belong(tmp_path):
    folder = official.sharpdepth(tmp_path)
    official.edit(folder / 'scheduler/scheduler_config.json', rescale_betas_zero_snr=True)
    refused(folder, 'rescale_betas_zero_snr is True')


def test_disparity_where_depth_is_needed(tmp_path):
    folder = official.lotus_g(tmp_path, 'lotus-depth-g-v2-1-disparity')
    refused(folder, 'predicts disparity, sharpdepth needs depth', method='sharpdepth')
    refused(
        official.lotus_g(tmp_path, 'my-lotus-disparity'), 'predicts disparity', method='sharpdepth'
    )


@pytest.mark.parametrize(
    'index',
    [
        {'_class_name': 'MarigoldNormalsPipeline'},
        {'prediction_type': 'normals'},
        {'_class_name': 'MarigoldIntrinsicsPipeline'},
    ],
)
def test_models_of_something_else(tmp_path, index):
    folder = official.marigold(tmp_path)
    official.edit(folder / 'model_index.json', **index)
    refused(folder, 'not depth')


def test_normals_of_lotus_are_told_by_name(tmp_path):
    refused(official.lotus_g(tmp_path, 'lotus-normal-g-v1-1'), 'predicts normal, not depth')


def test_a_unet_of_its_own_kind(tmp_path):
    folder = official.apdepth(tmp_path)
    official.edit(folder / 'unet/config.json', _class_name='CustomUNet')
    refused(folder, 'is a CustomUNet, which only its own code can build')


def test_a_vae_of_another_kind(tmp_path):
    folder = official.apdepth(tmp_path)
    official.edit(folder / 'vae/config.json', _class_name='AutoencoderDC')
    refused(folder, "_class_name is 'AutoencoderDC', not AutoencoderKL")


def test_text_of_another_width(tmp_path):
    folder = official.apdepth(tmp_path)
    official.text_encoder(width=8).save_pretrained(folder / 'text_encoder')
    refused(folder, 'the text encoder is 8 wide, the UNet takes 12')


def test_a_tokenizer_of_another_model(tmp_path):
    folder = official.apdepth(tmp_path)
    official.text_encoder(words=1).save_pretrained(folder / 'text_encoder')
    refused(folder, 'tokenizer and text_encoder belong to different models')


@pytest.mark.parametrize(
    'missing',
    ['unet/config.json', 'vae/config.json', 'scheduler', 'text_encoder/config.json', 'tokenizer'],
)
def test_a_part_that_is_missing(tmp_path, missing):
    folder = official.sharpdepth(tmp_path)
    path = folder / missing
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    refused(folder, missing.split('/')[0])


def test_configuration_that_does_not_fit_its_weights(tmp_path):
    folder = official.apdepth(tmp_path)
    official.edit(folder / 'unet/config.json', block_out_channels=[8, 8])
    refused(folder, r'unet/config\.json: configuration and weights do not fit')


@pytest.mark.parametrize('text', ['{', '[]', '\x00', json.dumps('unet')])
def test_configuration_that_is_none(tmp_path, text):
    folder = official.apdepth(tmp_path)
    (folder / 'unet/config.json').write_text(text)
    refused(folder, 'JSON')


def test_weights_that_are_not_finite(tmp_path):
    network = official.unet()
    torch.nn.init.constant_(network.conv_out.bias, float('nan'))
    folder = official.write_release(tmp_path / 'ApDepth', network, official.ddim())
    refused(folder, 'conv_out.bias holds NaN')
