# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of InfiniDepth's weights, and the names here."""

from collections.abc import Iterable, Mapping
import re

from depth_refiner_ros.priors.depth_anything_3_names import IN_BLOCK, replaced
from depth_refiner_ros.priors.loading import Tensors
import torch

PREFIX = 'pipeline.'
"""Of all names in the published files, which the authors' training wrote."""
PERIODS = 'pretrained.rope_embed.periods'
FIRST = 'depth_implicit_head.out_layer.layers.0.'
"""The decoder's first layer, which is applied in two parts here."""
PROMPT = 'prompt_model.prompt_model.0.'
BLOCK = re.compile(r'^pretrained\.blocks\.(\d+)\.')
PROMPT_BLOCK = re.compile(rf'^{re.escape(PROMPT)}prompt_blocks\.(\d+)\.')
LEVEL = re.compile(r'^basic_encoder\.layer(\d)\.(\d)\.')
IN_PROMPT_BLOCK = {**IN_BLOCK, 'attn.norm1.': 'query_norm.', 'attn.norm2.': 'key_norm.'}
IN_LEVEL = {'conv1.': 'conv1.', 'conv2.': 'conv2.', 'downsample.0.': 'shortcut.'}
ELSEWHERE = {
    'pretrained.cls_token': 'encoder.encoder.first',
    'pretrained.storage_tokens': 'encoder.encoder.registers',
    PERIODS: 'encoder.encoder.periods',
    'pretrained.patch_embed.proj.': 'encoder.encoder.patches.',
    'pretrained.norm.': 'encoder.encoder.norm.',
    f'{PROMPT}pe_layer.positional_encoding_gaussian_matrix': (
        'encoder.prompt.places.inner.directions'
    ),
    f'{PROMPT}depth2feature.': 'encoder.prompt.values.inner.',
    'basic_encoder.conv1.': 'encoder.detail.stem.',
    'basic_encoder.conv2.': 'encoder.detail.joined.',
    'basic_encoder.conv3.': 'encoder.detail.out.',
    f'{FIRST}bias': 'decoder.first.bias',
    'depth_implicit_head.out_layer.layers.2.': 'decoder.second.',
    'depth_implicit_head.out_layer.layers.4.': 'decoder.last.inner.0.',
    'depth_implicit_head.out_layer.layers.6.': 'decoder.last.inner.2.',
}


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names, without :data:`PREFIX`."""
    return {PERIODS, f'{FIRST}weight', 'pretrained.cls_token'} <= set(names)


def is_prompted(names: Iterable[str]) -> bool:
    """Whether these are the names of a network that takes measured points."""
    return any(name.startswith(PROMPT) for name in names)


def renamed(state: Mapping[str, torch.Tensor]) -> Tensors:
    """Return the weights that disparity needs under the names here; others are left out."""
    found: Tensors = {}
    for name, value in state.items():
        if BLOCK.match(name) and '.attn.qkv.' in name:
            mask = state.get(f'{name}_mask')
            value = by_axis(value if mask is None else value * mask, len(state[PERIODS]))
        if (new := new_name(name)) is not None:
            found[new] = value
    width = state['pretrained.cls_token'].shape[-1]
    first = state[f'{FIRST}weight']
    found['encoder.entry.weight'] = first[:, :width].contiguous()
    found['decoder.first.weight'] = first[:, width:].contiguous()
    if is_prompted(state):
        found.update(_of_prompt(state, first.new_ones(width)))
    return found


def new_name(name: str) -> str | None:
    """Return the name here of an official one; None for one that has no place of its own."""
    if name.endswith('bias_mask'):
        return None
    if block := BLOCK.match(name):
        return replaced(name[block.end() :], IN_BLOCK, f'encoder.encoder.layers.{block[1]}.')
    if block := PROMPT_BLOCK.match(name):
        before = f'encoder.prompt.layers.{block[1]}.'
        return replaced(name[block.end() :], IN_PROMPT_BLOCK, before)
    # The authors count levels from 1.
    if level := LEVEL.match(name):
        before = f'encoder.detail.levels.{int(level[1]) - 1}.{level[2]}.'
        return replaced(name[level.end() :], IN_LEVEL, before)
    return replaced(name, ELSEWHERE, '')


def by_axis(values: torch.Tensor, frequencies: int) -> torch.Tensor:
    """
    Return weights of queries, keys and values, the former two in the order of :mod:`rotary`.

    A head's features are halves of rows and columns in the authors' code, and rows and columns of
    halves here; as it is the same for queries and keys, their products are the same.
    """
    queries, keys, rest = values.chunk(3)
    turned = [
        one.unflatten(0, (-1, 2, 2, frequencies)).transpose(1, 2).flatten(0, 3)
        for one in (queries, keys)
    ]
    return torch.cat((*turned, rest))


def _of_prompt(state: Mapping[str, torch.Tensor], ones: torch.Tensor) -> Tensors:
    """Return the tokens between patches and points, and what these layers do without."""
    found: Tensors = {}
    count = len({block[1] for name in state if (block := PROMPT_BLOCK.match(name))})
    for old, new in (('sep', 'between'), ('sep_pe', 'between_places')):
        names = [f'{PROMPT}prompt_blocks.{index}.{old}' for index in range(count)]
        if all(name in state for name in names):
            found[f'encoder.prompt.{new}'] = torch.stack([state[name] for name in names])
    for index in range(count):
        before = f'encoder.prompt.layers.{index}'
        found[f'{before}.qkv.bias'] = ones.new_zeros(3 * len(ones))
        found[f'{before}.scale1'], found[f'{before}.scale2'] = ones, ones.clone()
    return found
