# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the authors' code of InfiniDepth calls its weights, and weights for them."""

from collections.abc import Iterator

from depth_refiner_ros.priors.infinidepth_names import FIRST, PERIODS, PREFIX, PROMPT
from depth_refiner_ros.priors.infinidepth_network import Architecture
from depth_refiner_ros.priors.infinidepth_weights import FILES, NAME, SENSOR
import torch

from tests.priors.official_depth_anything_3 import patterned

TINY = Architecture(
    width=32, heads=2, layers=4, details=16, hidden=(24, 16, 8), prompt_heads=2, prompt_layers=2
)
HEAD = 'depth_implicit_head.out_layer.layers'
Shapes = dict[str, tuple[int, ...]]


def _with_bias(name: str, *shape: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f'{name}.weight', shape
    yield f'{name}.bias', shape[:1]


def encoder_shapes(one: Architecture) -> Shapes:
    """Return names and shapes of the weights of a DINOv3, as in its authors' code."""
    width = one.width
    shapes: Shapes = {
        'cls_token': (1, 1, width),
        'storage_tokens': (1, 4, width),
        'mask_token': (1, width),
        'rope_embed.periods': (width // one.heads // 4,),
        **dict(_with_bias('patch_embed.proj', width, 3, 16, 16)),
        **dict(_with_bias('norm', width)),
    }
    for index in range(one.layers):
        block = f'blocks.{index}'
        shapes |= dict(_with_bias(f'{block}.norm1', width))
        shapes |= dict(_with_bias(f'{block}.norm2', width))
        shapes |= dict(_with_bias(f'{block}.attn.qkv', 3 * width, width))
        shapes[f'{block}.attn.qkv.bias_mask'] = (3 * width,)
        shapes |= dict(_with_bias(f'{block}.attn.proj', width, width))
        shapes |= dict(_with_bias(f'{block}.mlp.fc1', 4 * width, width))
        shapes |= dict(_with_bias(f'{block}.mlp.fc2', width, 4 * width))
        shapes |= {f'{block}.ls{number}.gamma': (width,) for number in (1, 2)}
    return shapes


def _detail(features: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    widths = (features // 2, features // 4 * 3, features, features)
    yield from _with_bias('conv1', widths[0], 3, 7, 7)
    before = widths[0]
    for level, width in enumerate(widths, start=1):
        for block, inner in ((0, before), (1, width)):
            name = f'layer{level}.{block}'
            yield from _with_bias(f'{name}.conv1', width, inner, 3, 3)
            yield from _with_bias(f'{name}.conv2', width, width, 3, 3)
        if level > 1:
            yield from _with_bias(f'layer{level}.0.downsample.0', width, before, 1, 1)
        before = width
    yield from _with_bias('conv2', 2 * features, sum(widths), 3, 3)
    yield from _with_bias('conv3', features, 2 * features, 1, 1)


def _prompt(one: Architecture) -> Iterator[tuple[str, tuple[int, ...]]]:
    width = one.width
    yield 'pe_layer.positional_encoding_gaussian_matrix', (2, width // 2)
    yield from _with_bias('depth2feature.0', width // 2, 1)
    yield from _with_bias('depth2feature.2', width, width // 2)
    for index in range(one.prompt_layers):
        block = f'prompt_blocks.{index}'
        yield f'{block}.sep', (1, 1, width)
        yield f'{block}.sep_pe', (1, 1, width)
        yield from _with_bias(f'{block}.norm1', width)
        yield from _with_bias(f'{block}.norm2', width)
        yield f'{block}.attn.qkv.weight', (3 * width, width)
        yield from _with_bias(f'{block}.attn.proj', width, width)
        for norm in ('norm1', 'norm2'):
            yield from _with_bias(f'{block}.attn.{norm}', width // one.prompt_heads)
        yield from _with_bias(f'{block}.mlp.fc1', 4 * width, width)
        yield from _with_bias(f'{block}.mlp.fc2', width, 4 * width)


def official_shapes(one: Architecture, *, prompted: bool) -> Shapes:
    """Return the authors' names, without their prefix, and shapes of all weights."""
    first, second, third = one.hidden
    return {
        '_mean': (1, 3, 1, 1),
        '_std': (1, 3, 1, 1),
        **{f'pretrained.{name}': shape for name, shape in encoder_shapes(one).items()},
        **{f'basic_encoder.{name}': shape for name, shape in _detail(one.details)},
        **dict(_with_bias(FIRST[:-1], first, one.width + one.details)),
        **dict(_with_bias(f'{HEAD}.2', second, first)),
        **dict(_with_bias(f'{HEAD}.4', third, second)),
        **dict(_with_bias(f'{HEAD}.6', 1, third)),
        **({f'{PROMPT}{name}': shape for name, shape in _prompt(one)} if prompted else {}),
    }


def weights(one: Architecture, *, prompted: bool) -> dict[str, torch.Tensor]:
    """Return weights that no generator sets, whose disparity is above 0 nearly everywhere."""
    state = patterned(official_shapes(one, prompted=prompted))
    frequencies = one.width // one.heads // 4
    # As in DINOv3, but rounded, as what training leaves need not be the formula's value.
    periods = 100.0 ** (torch.arange(frequencies) / frequencies)
    state[PERIODS] = periods.bfloat16().float()
    mask = torch.ones(3, one.width)
    mask[1] = 0.0
    for name in state:
        if name.endswith('bias_mask'):
            state[name] = mask.flatten().clone()
    if prompted:
        state[f'{PROMPT}pe_layer.positional_encoding_gaussian_matrix'] *= 4.0
        state[f'{PROMPT}depth2feature.0.weight'] *= 2.0
    state[f'{HEAD}.6.bias'].fill_(2.0)
    state['_mean'] = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    state['_std'] = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return state


def published(folder, one, prior=NAME, *, change=lambda state: None):
    """Write the file as on the hub, with what a training leaves beside the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    state = weights(one, prompted=prior == SENSOR)
    change(state)
    tree = {'epoch': 3, 'state_dict': {f'{PREFIX}{name}': one for name, one in state.items()}}
    torch.save(tree, folder / FILES[prior])
    return folder / FILES[prior]
