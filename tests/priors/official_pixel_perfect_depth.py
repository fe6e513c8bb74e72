# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of Pixel-Perfect Depth calls its weights, and weights for them."""

from depth_refiner_ros.priors import (
    depth_anything_v2_network,
    moge2_official,
    pixel_perfect_depth_network,
)
from depth_refiner_ros.priors.depth_anything_3_network import Architecture as EncoderShape
from depth_refiner_ros.priors.pixel_perfect_depth_network import Architecture
from depth_refiner_ros.priors.preprocess import IMAGENET
import torch

from tests.priors import tiny_moge2
from tests.priors.official_depth_anything_3 import patterned, scattered
from tests.priors.official_prior_depth_anything import relative_shapes

TINY = Architecture(width=32, heads=2, layers=4, semantics=24)
TINY_ENCODER = EncoderShape(
    width=24, heads=2, layers=3, taps=(0, 1, 1, 2), levels=(8, 8, 16, 16), features=16
)
HEIGHT, WIDTH = 60, 82
"""Of the test image."""
SHORT_SIDE = 48
"""Of what the tiny network sees of it: 48 x 64."""
TRANSFORMERS = {'depth_anything_v2': 'ppd.pth', 'moge2': 'ppd_moge.pth'}
ENCODERS = {'depth_anything_v2': 'depth_anything_v2_vitl.pth', 'moge2': 'model.pt'}


def official_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of the weights of the transformer."""
    width = one.width
    linear = {
        't_embedder.mlp.0': (width, 256),
        't_embedder.mlp.2': (width, width),
        'proj_fusion.0': (4 * width, width + one.semantics),
        'proj_fusion.2': (4 * width, 4 * width),
        'proj_fusion.4': (4 * width, 4 * width),
        'final_layer.linear': (64, width),
        'final_layer.adaLN_modulation.1': (2 * width, width),
        'x_embedder.proj': (width, 4, 16, 16),
    }
    for index in range(one.layers):
        block = f'blocks.{index}'
        linear |= {
            f'{block}.attn.qkv': (3 * width, width),
            f'{block}.attn.proj': (width, width),
            f'{block}.mlp.fc1': (4 * width, width),
            f'{block}.mlp.fc2': (width, 4 * width),
            f'{block}.adaLN_modulation.1': (6 * width, width),
            f'{block}.attn.q_norm': (width // one.heads,),
            f'{block}.attn.k_norm': (width // one.heads,),
        }
    return {
        f'dit.{name}.{part}': shape if part == 'weight' else shape[:1]
        for name, shape in linear.items()
        for part in ('weight', 'bias')
    }


def transformer_weights(one: Architecture) -> dict[str, torch.Tensor]:
    """Return weights of the transformer that no generator sets."""
    return patterned(official_shapes(one))


def depth_anything_weights() -> dict[str, torch.Tensor]:
    """Return weights of the tiny Depth Anything V2."""
    return patterned(relative_shapes(TINY_ENCODER))


def moge2_tree(size: str = 'T') -> dict[str, dict]:
    """Return what the file of a MoGe-2 holds; the tiny one is known within :func:`shrink`."""
    state = patterned(tiny_moge2.official_shapes(size))
    for name, numbers in zip(('mean', 'std'), IMAGENET, strict=True):
        state[f'encoder.image_{name}'] = torch.tensor(numbers).view(1, 3, 1, 1)
    return {'model_config': tiny_moge2.official_config(size), 'model': state}


def shrink(patch):
    """Put tiny shapes in the places of the published ones, with a patch of pytest's."""
    patch.setitem(pixel_perfect_depth_network.ARCHITECTURES, 'large', TINY)
    patch.setitem(depth_anything_v2_network.ARCHITECTURES, 'large', TINY_ENCODER)
    shape = {name: getattr(TINY_ENCODER, name) for name in ('width', 'layers', 'heads')}
    patch.setitem(moge2_official.BACKBONES, 'dinov2_tiny', shape)
    taps = (0, TINY_ENCODER.layers - 1)
    patch.setitem(
        tiny_moge2.PUBLISHED, 'T', ('dinov2_tiny', shape['width'], shape['layers'], taps, 1)
    )
    patch.setattr(tiny_moge2, 'CHANNELS', (12, 8, 6, 4))


def published(folder, semantics, *, change=lambda transformer, encoder: None):
    """Write both files as its authors publish them, and return the path of the transformer."""
    folder.mkdir(parents=True, exist_ok=True)
    encoder = depth_anything_weights() if semantics == 'depth_anything_v2' else moge2_tree()
    transformer = transformer_weights(TINY)
    change(transformer, encoder)
    torch.save(encoder, folder / ENCODERS[semantics])
    torch.save(transformer, folder / TRANSFORMERS[semantics])
    return folder / TRANSFORMERS[semantics]


def image() -> torch.Tensor:
    """Return an image in 0..1 in bytes, the same on every machine."""
    noise = scattered(3 * HEIGHT * WIDTH, 1).reshape(1, 3, HEIGHT, WIDTH)
    return (noise * 50.0 + 127.0).clamp(0.0, 255.0).round() / 255.0
