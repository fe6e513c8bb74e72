# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Official releases in miniature, written by the libraries that wrote the real ones."""

import atexit
import functools
import json
from pathlib import Path
import shutil
import tempfile

from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, UNet2DConditionModel
from safetensors.torch import load_file
import torch
from transformers import CLIPTextConfig, CLIPTextModel
from transformers.utils import logging

logging.disable_progress_bar()
WRITTEN = Path(tempfile.mkdtemp(prefix='official_releases_'))
atexit.register(shutil.rmtree, WRITTEN, ignore_errors=True)
WIDTH = 12
BETAS = {'beta_schedule': 'scaled_linear', 'beta_start': 0.00085, 'beta_end': 0.012}
TASK = {'class_embed_type': 'projection', 'projection_class_embeddings_input_dim': 4}


def unet(channels=8, **changes):
    return UNet2DConditionModel(
        **{
            'in_channels': channels,
            'out_channels': 4,
            'block_out_channels': (8, 16),
            'layers_per_block': 1,
            'norm_num_groups': 4,
            'cross_attention_dim': WIDTH,
            'attention_head_dim': 4,
            'use_linear_projection': True,
            'down_block_types': ('DownBlock2D', 'CrossAttnDownBlock2D'),
            'up_block_types': ('CrossAttnUpBlock2D', 'UpBlock2D'),
            **changes,
        }
    )


def vae():
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        norm_num_groups=4,
        latent_channels=4,
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
    )


def ddim(**changes):
    return DDIMScheduler(
        **{
            **BETAS,
            'prediction_type': 'v_prediction',
            'clip_sample': False,
            'set_alpha_to_one': False,
            'steps_offset': 1,
            **changes,
        }
    )


def write_tokenizer(folder, words=('<|startoftext|>', '<|endoftext|>', 'a</w>')):
    """Write CLIP's tokenizer with a vocabulary of three, as its first versions wrote it."""
    folder.mkdir(parents=True)
    (folder / 'vocab.json').write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / 'merges.txt').write_text('#version: 0.2\n')
    (folder / 'tokenizer_config.json').write_text(
        json.dumps(
            {
                'tokenizer_class': 'CLIPTokenizer',
                'model_max_length': 77,
                'pad_token': '!',
                'bos_token': words[0],
                'eos_token': words[1],
                'unk_token': words[1],
            }
        )
    )


def text_encoder(width=WIDTH, words=3):
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words,
            hidden_size=width,
            intermediate_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=77,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=1,
        )
    )


def write_release(
    folder, network, scheduler, *, pipeline='StableDiffusionPipeline', index=(), text=None
):
    """Write one folder with five parts, as ``save_pretrained`` of a pipeline does."""
    torch.manual_seed(0)
    network.save_pretrained(folder / 'unet')
    vae().save_pretrained(folder / 'vae')
    scheduler.save_pretrained(folder / 'scheduler')
    (text or text_encoder()).save_pretrained(folder / 'text_encoder')
    write_tokenizer(folder / 'tokenizer')
    (folder / 'model_index.json').write_text(json.dumps({'_class_name': pipeline, **dict(index)}))
    return folder


def written_once(write):
    """Write a layout on first use and copy it on every use."""

    @functools.wraps(write)
    def layout(root, name=None):
        first = WRITTEN / write.__name__
        if not first.is_dir():
            write(first)
        return Path(shutil.copytree(first, root / (name or write.__defaults__[0])))

    return layout


@written_once
def sharpdepth(folder, name='sharpdepth'):
    torch.manual_seed(1)
    write_release(
        folder, unet(**TASK), ddim(prediction_type='sample'), pipeline='SharpDepthPipeline'
    )


@written_once
def lotus_g(folder, name='lotus-depth-g-v1-0'):
    torch.manual_seed(2)
    write_release(folder, unet(**TASK), ddim(prediction_type='sample'), pipeline='LotusGPipeline')


@written_once
def lotus_d(folder, name='lotus-depth-d-v1-0'):
    torch.manual_seed(3)
    write_release(
        folder,
        unet(4, **TASK),
        PNDMScheduler(**BETAS, steps_offset=1),
        pipeline='DirectRegressionPipeline',
    )


@written_once
def apdepth(folder, name='ApDepth'):
    torch.manual_seed(4)
    write_release(
        folder,
        unet(),
        ddim(),
        pipeline='MarigoldDepthPipeline',
        index={'prediction_type': 'depth'},
    )


@written_once
def marigold(folder, name='marigold-depth-v1-0'):
    torch.manual_seed(5)
    write_release(
        folder,
        unet(),
        ddim(),
        pipeline='MarigoldDepthPipeline',
        index={'prediction_type': 'depth'},
    )


@written_once
def marigold_zero_snr(folder, name='marigold-depth-v1-1'):
    torch.manual_seed(5)
    write_release(
        folder,
        unet(),
        ddim(rescale_betas_zero_snr=True, timestep_spacing='trailing'),
        pipeline='MarigoldDepthPipeline',
        index={'prediction_type': 'depth'},
    )


@written_once
def stable_diffusion(folder, name='stable-diffusion-2'):
    torch.manual_seed(6)
    write_release(folder, unet(4), ddim())


def pickled(folder, part='unet'):
    """Turn a part's safetensors into the pickle of older releases."""
    safe = next((folder / part).glob('*.safetensors'))
    name = 'pytorch_model.bin' if part == 'text_encoder' else f'{safe.stem}.bin'
    torch.save(load_file(safe), folder / part / name)
    safe.unlink()
    return folder


def edit(file, **changes):
    """Change keys of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def in_cache(cache, write, hub_id):
    """Write a release into the cache of the hub's client."""
    repository = cache / f'models--{hub_id.replace("/", "--")}'
    (repository / 'refs').mkdir(parents=True)
    (repository / 'refs' / 'main').write_text('a' * 40)
    return write(repository / 'snapshots', 'a' * 40)
