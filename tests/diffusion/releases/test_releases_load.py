# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Official folders are loaded as the network of their own parts."""

import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.convert import depth_of_test_image
from depth_refiner_ros.diffusion.releases.load import load_release
from depth_refiner_ros.models.catalogue import MODELS, where_found
from diffusers import AutoencoderKL, UNet2DConditionModel
import pytest
from safetensors.torch import load_file, save_file
import torch
from transformers import CLIPTextModel, CLIPTokenizer

from tests.diffusion.releases import official_folders as official

LAYOUTS = {
    official.sharpdepth: ('sharpdepth', 'released', 'sample', 999, 'BSD-3-Clause-Clear'),
    official.lotus_g: ('aligned', 'released', 'sample', 999, 'Apache-2.0'),
    official.lotus_d: ('aligned', 'released', 'sample', 999, 'Apache-2.0'),
    official.apdepth: ('apdepth', 'released', 'sample', 1, 'Apache-2.0'),
    official.marigold: ('aligned', 'released', 'v', 999, 'Apache-2.0'),
}


@pytest.mark.parametrize(
    ('write', 'expected'), LAYOUTS.items(), ids=lambda x: getattr(x, '__name__', '')
)
def test_each_layout_is_read_part_by_part(tmp_path, write, expected):
    folder = write(tmp_path)
    release = load_release(folder)
    network, spec = release.network, release.network.spec
    assert (spec.method, spec.preset, spec.prediction, spec.timestep, release.licence) == expected
    assert not release.non_commercial
    assert not network.training
    assert not any(value.requires_grad for value in network.parameters())
    for part, form, mine in (
        ('unet', UNet2DConditionModel, network.unet),
        ('vae', AutoencoderKL, network.codec.vae),
    ):
        theirs = form.from_pretrained(folder / part).state_dict()
        assert mine.state_dict().keys() == theirs.keys()
        assert all(torch.equal(value, theirs[name]) for name, value in mine.state_dict().items())


@pytest.mark.parametrize(('says', 'expected'), [(0, 0), (640, 640), (None, 768)])
def test_a_release_may_name_the_size_that_it_works_best_at(tmp_path, says, expected):
    folder = official.apdepth(tmp_path)
    official.edit(folder / 'model_index.json', default_processing_resolution=says)
    assert load_release(folder).network.spec.max_edge_px == expected
    # A paper's own size is not overruled.
    assert load_release(folder, preset='paper_tables').network.spec.max_edge_px == 0


def test_the_empty_prompt_is_what_the_release_itself_encodes(tmp_path):
    folder = official.sharpdepth(tmp_path)
    tokens = CLIPTokenizer.from_pretrained(folder / 'tokenizer')('', return_tensors='pt')
    assert tokens.input_ids.tolist() == [[0, 1]]
    with torch.inference_mode():
        expected = CLIPTextModel.from_pretrained(folder / 'text_encoder')(tokens.input_ids)[0]
    text = load_release(folder).network.text_1LC
    assert text.shape == (1, 2, official.WIDTH)
    assert torch.allclose(text, expected, atol=1e-6)


def test_a_release_gives_depth(tmp_path):
    network = load_release(official.lotus_d(tmp_path)).network
    with torch.inference_mode():
        image = network.codec.encode_rgb(torch.rand(1, 3, 32, 32))
    assert image.shape == (1, 4, 4, 4)
    assert network.codec.scaling_factor == 0.18215


def test_zero_terminal_snr_is_taken_from_the_scheduler(tmp_path):
    first = load_release(official.marigold(tmp_path))
    second = load_release(official.marigold_zero_snr(tmp_path))
    assert (first.network.spec.zero_snr, second.network.spec.zero_snr) == (False, True)
    assert 'start a single step at t = 1' in ' '.join(first.notes)
    assert second.notes == ()
    assert (first.licence, second.licence) == ('Apache-2.0', 'OpenRAIL++-M')


def test_e2e_ft_starts_from_zeros(tmp_path):
    release = load_release(official.marigold(tmp_path, 'marigold-e2e-ft-depth'))
    assert release.network.spec.start == 'zeros'
    assert load_release(official.marigold(tmp_path)).network.spec.start == 'gaussian'


def test_a_word_left_by_the_base_model_is_told(tmp_path):
    notes = ' '.join(load_release(official.apdepth(tmp_path)).notes)
    assert 'says v_prediction, left by its base model' in notes
    assert load_release(official.sharpdepth(tmp_path)).notes == ()


def test_disparity_of_lotus_is_read_as_disparity(tmp_path):
    disparity = load_release(official.lotus_g(tmp_path, 'lotus-depth-g-v2-1-disparity'))
    assert disparity.network.spec.output == 'disparity'
    assert load_release(official.lotus_g(tmp_path)).network.spec.output == 'relative'


def test_what_a_step_of_marigolds_code_ends_at_is_read_from_the_scheduler(tmp_path):
    folder = official.marigold_zero_snr(tmp_path)
    ends = {}
    for says in (False, True):
        official.edit(folder / 'scheduler/scheduler_config.json', set_alpha_to_one=says)
        for preset in ('official_code', 'released'):
            ends[preset, says] = load_release(folder, preset=preset).network.spec.ends_at
    assert ends == {
        ('official_code', False): 'first_step',
        ('official_code', True): 'clean',
        ('released', False): 'clean',
        ('released', True): 'clean',
    }
    finetuned = official.marigold(tmp_path, 'marigold-e2e-ft-depth')
    spec = load_release(finetuned, preset='official_code').network.spec
    assert (spec.ends_at, spec.padding, spec.image_bytes) == ('clean', 'floored', True)


def test_a_renamed_lotus_is_read_as_depth_with_a_word(tmp_path):
    told = {}
    for write in (official.lotus_g, official.lotus_d):
        for name in (None, 'mine', 'my-disparity'):
            release = load_release(write(tmp_path / write.__name__, name))
            told[write.__name__, name] = (release.network.spec.output, ' '.join(release.notes))
    for kind in ('lotus_g', 'lotus_d'):
        output, note = told[kind, 'mine']
        assert output == 'relative'
        assert 'mine is not in the catalogue and its files do not state whether it gives' in note
        assert 'rename its folder to end in disparity' in note
        assert 'disparity' not in told[kind, None][1]
        output, note = told[kind, 'my-disparity']
        assert output == 'disparity'
        assert 'disparity' not in note
    assert load_release(official.sharpdepth(tmp_path, 'mine'), method='sharpdepth').notes == ()


@pytest.mark.parametrize('preset', ['official_code', 'paper', 'paper_tables'])
def test_the_preset_of_sharpdepth(tmp_path, preset):
    spec = load_release(official.sharpdepth(tmp_path), preset=preset).network.spec
    assert spec.preset == preset
    assert spec.guess == 'self', 'no release holds the moving average'


@pytest.mark.parametrize(
    ('method', 'name', 'expected'),
    [('apdepth', 'mine', 'apdepth'), ('marigold', 'mine', 'aligned')],
)
def test_what_the_files_do_not_say_the_user_says(tmp_path, method, name, expected):
    folder = official.apdepth(tmp_path, name)
    with pytest.raises(WeightsError, match='import --method apdepth or marigold or e2e_ft'):
        load_release(folder)
    assert load_release(folder, method=method).network.spec.method == expected


def test_the_pipeline_tells_one_from_another_of_the_same_structure(tmp_path):
    assert load_release(official.sharpdepth(tmp_path, 'a')).network.spec.method == 'sharpdepth'
    assert load_release(official.lotus_g(tmp_path, 'b')).network.spec.method == 'aligned'
    assert load_release(official.lotus_d(tmp_path, 'c')).network.spec.start == 'none'


def test_lotus_may_be_read_as_sharpdepth(tmp_path):
    spec = load_release(official.lotus_g(tmp_path), method='sharpdepth').network.spec
    assert spec.method == 'sharpdepth'


def test_the_licence_of_an_unknown_release(tmp_path):
    folder = official.lotus_g(tmp_path, 'mine')
    assert load_release(folder).licence == 'unknown'
    (folder / 'README.md').write_text('---\ntags:\n- depth\nlicense: cc-by-nc-4.0\n---\n# Mine\n')
    release = load_release(folder)
    assert release.licence == 'cc-by-nc-4.0'
    assert release.non_commercial
    assert release.describe() == (
        'refiner mine: cc-by-nc-4.0 (no commercial use), from the folder mine'
    )
    assert load_release(folder, licence='MIT').licence == 'MIT'


def test_stable_diffusion_is_widened_when_asked(tmp_path):
    folder = official.stable_diffusion(tmp_path)
    network = load_release(folder, method='apdepth', widen=True).network
    theirs = UNet2DConditionModel.from_pretrained(folder / 'unet')
    assert network.unet.config.in_channels == 8
    assert torch.equal(
        network.unet.conv_in.weight, torch.cat([theirs.conv_in.weight] * 2, dim=1) / 2
    )
    assert torch.equal(network.unet.conv_in.bias, theirs.conv_in.bias)


def added(content):
    return {
        '__type': 'AddedToken',
        'content': content,
        'lstrip': False,
        'normalized': True,
        'rstrip': False,
        'single_word': False,
    }


def as_written_in_2022(folder):
    """Change a release to the format of old libraries: other names, fewer and unknown keys."""
    state = load_file(folder / 'text_encoder/model.safetensors')
    state = {
        f'text_model.{name.removeprefix("text_model.")}': value for name, value in state.items()
    }
    state['text_model.embeddings.position_ids'] = torch.arange(77)[None]
    save_file(state, folder / 'text_encoder/model.safetensors')
    vae = json.loads((folder / 'vae/config.json').read_text())
    kept = (
        '_class_name',
        'block_out_channels',
        'norm_num_groups',
        'latent_channels',
        'down_block_types',
        'up_block_types',
        'in_channels',
        'out_channels',
        'act_fn',
        'layers_per_block',
        'sample_size',
    )
    (folder / 'vae/config.json').write_text(
        json.dumps(
            {
                **{name: vae[name] for name in kept},
                '_diffusers_version': '0.8.0',
                '_name_or_path': 'hub/vae',
            }
        )
    )
    official.edit(
        folder / 'unet/config.json',
        _diffusers_version='0.10.0.dev0',
        some_former_key=None,
        attention_head_dim=[4, 4],
    )
    begin, end = '<|startoftext|>', '<|endoftext|>'
    official.edit(
        folder / 'tokenizer/tokenizer_config.json',
        add_prefix_space=False,
        bos_token=added(begin),
        eos_token=added(end),
        unk_token=added(end),
        do_lower_case=True,
        errors='replace',
        name_or_path='hub/tokenizer',
        special_tokens_map_file='./special_tokens_map.json',
    )
    (folder / 'tokenizer/special_tokens_map.json').write_text(
        json.dumps(
            {
                'bos_token': added(begin),
                'eos_token': added(end),
                'pad_token': '!',
                'unk_token': added(end),
            }
        )
    )


def test_a_release_of_2022_is_read_like_one_of_today(tmp_path):
    folder = official.marigold(tmp_path)
    today = load_release(folder).network
    as_written_in_2022(folder)
    then = load_release(folder).network
    assert then.codec.scaling_factor == 0.18215
    assert torch.equal(then.text_1LC, today.text_1LC)
    assert torch.equal(depth_of_test_image(then), depth_of_test_image(today))


@pytest.mark.weights
@pytest.mark.parametrize(
    'model', [model for model in MODELS if model.kind == 'refiner'], ids=lambda model: model.short
)
def test_the_real_weights(model):
    folder = where_found(model)
    if folder is None:
        pytest.skip(f'{model.id} is not in the cache of the hub')
    network = load_release(folder).network
    assert network.text_1LC.shape == (1, 2, 1024)
    assert float(depth_of_test_image(network).std()) > 0.01
