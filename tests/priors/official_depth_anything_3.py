# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of Depth Anything 3 calls its weights, and weights for them."""

from collections.abc import Iterator
import json

from depth_refiner_ros.priors.depth_anything_3_network import Architecture
from safetensors.torch import save_file
import torch

TINY = {'width': 32, 'heads': 2, 'layers': 6, 'levels': (8, 8, 16, 16), 'features': 16}
TINY_ANY_VIEW = Architecture(**TINY, taps=(2, 3, 4, 5), views_from=2)
TINY_SINGLE = Architecture(**TINY, taps=(1, 2, 3, 5))


def _with_bias(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f'{name}.weight', shape
    yield f'{name}.bias', shape[:1]


def _encoder(one: Architecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = one.width
    yield 'cls_token', (1, 1, width)
    yield 'pos_embed', (1, 37 * 37 + 1, width)
    yield from _with_bias('patch_embed.proj', width, 3, 14, 14)
    yield from _with_bias('norm', width)
    if one.views_from is not None:
        yield 'camera_token', (1, 2, width)
    for index in range(one.layers):
        block = f'blocks.{index}'
        for norm in ('norm1', 'norm2'):
            yield from _with_bias(f'{block}.{norm}', width)
        yield from _with_bias(f'{block}.attn.qkv', 3 * width, width)
        yield from _with_bias(f'{block}.attn.proj', width, width)
        yield from _with_bias(f'{block}.mlp.fc1', 4 * width, width)
        yield from _with_bias(f'{block}.mlp.fc2', width, 4 * width)
        yield f'{block}.ls1.gamma', (width,)
        yield f'{block}.ls2.gamma', (width,)
        if one.views_from is not None and index >= one.views_from:
            for norm in ('q_norm', 'k_norm'):
                yield from _with_bias(f'{block}.attn.{norm}', width // one.heads)


def _head(one: Architecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    any_view = one.views_from is not None
    tokens, features, scratch = one.width * (2 if any_view else 1), one.features, 'scratch'
    if any_view:
        yield from _with_bias('norm', tokens)
    for index, level in enumerate(one.levels):
        yield from _with_bias(f'projects.{index}', level, tokens, 1, 1)
        yield f'{scratch}.layer{index + 1}_rn.weight', (features, level, 3, 3)
        fusion = f'{scratch}.refinenet{index + 1}'
        yield from _with_bias(f'{fusion}.out_conv', features, features, 1, 1)
        for unit in (2,) if index == 3 else (1, 2):
            for conv in (1, 2):
                name = f'{fusion}.resConfUnit{unit}.conv{conv}'
                yield from _with_bias(name, features, features, 3, 3)
    for index, side in ((0, 4), (1, 2), (3, 3)):
        level = one.levels[index]
        yield from _with_bias(f'resize_layers.{index}', level, level, side, side)
    yield from _with_bias(f'{scratch}.output_conv1', features // 2, features, 3, 3)
    outputs = {'output_conv2': 2} if any_view else {'output_conv2': 1, 'sky_output_conv2': 1}
    for name, channels in outputs.items():
        yield from _with_bias(f'{scratch}.{name}.0', 32, features // 2, 3, 3)
        yield from _with_bias(f'{scratch}.{name}.2', channels, 32, 1, 1)


def official_shapes(one: Architecture) -> dict[str, tuple[int, ...]]:
    """Return the authors' names and shapes of the weights that depth needs."""
    return {
        **{f'backbone.pretrained.{name}': shape for name, shape in _encoder(one)},
        **{f'head.{name}': shape for name, shape in _head(one)},
    }


def scattered(count: int, seed: int) -> torch.Tensor:
    """Return numbers of mean 0 and deviation 1 by integer hashing, the same on every machine."""
    mixed = (torch.arange(count) + 7919 * seed) * 0x9E3779B1 % 2**32
    for shift, factor in ((15, 0x85EBCA77), (13, 0xC2B2AE3D)):
        mixed = (mixed ^ (mixed >> shift)) * (factor >> 1) % 2**32
    return ((mixed >> 8).float() / 2**23 - 1.0) * 3.0**0.5


def patterned(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Return weights that no generator sets, of a spread that keeps signals alive."""
    state = {}
    for place, (name, shape) in enumerate(sorted(shapes.items())):
        count = torch.Size(shape).numel()
        spread = 0.1
        if len(shape) > 1 and not name.endswith(('token', 'embed')):
            spread = (1.0 / (count / shape[0])) ** 0.5
        one = 1.0 if name.endswith('gamma') or ('norm' in name and 'weight' in name) else 0.0
        state[name] = (one + spread * scattered(count, place)).reshape(shape)
    return state


def published(folder, name, one, *, config=None):
    """Write a folder as on the hub, with parts that depth does not need."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {f'model.{key}': value for key, value in patterned(official_shapes(one)).items()}
    state['model.cam_dec.fc_fov.0.weight'] = torch.ones(2, 64)
    state['model.head.scratch.refinenet1_aux.out_conv.bias'] = torch.ones(16)
    save_file(state, folder / 'model.safetensors', {'format': 'pt'})
    (folder / 'config.json').write_text(json.dumps(config or {'model_name': name}))
    return folder
