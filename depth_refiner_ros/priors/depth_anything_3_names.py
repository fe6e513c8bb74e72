# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of Depth Anything 3's weights, and the names here."""

from collections.abc import Iterable, Mapping
import re

import torch

PREFIX = 'model.'
"""Of all names in the published files; the authors' class wraps its network in a ``model``."""
BLOCK = re.compile(r'^backbone\.pretrained\.blocks\.(\d+)\.')
FUSION = re.compile(r'^head\.scratch\.refinenet(\d)\.')
LEVEL = re.compile(r'^head\.scratch\.layer(\d)_rn\.')

IN_BLOCK = {
    'norm1.': 'norm1.',
    'attn.qkv.': 'qkv.',
    'attn.q_norm.': 'query_norm.',
    'attn.k_norm.': 'key_norm.',
    'attn.proj.': 'out.',
    'ls1.gamma': 'scale1',
    'norm2.': 'norm2.',
    'mlp.fc1.': 'fc1.',
    'mlp.fc2.': 'fc2.',
    'ls2.gamma': 'scale2',
}
IN_FUSION = {'resConfUnit1.': 'lateral.', 'resConfUnit2.': 'own.', 'out_conv.': 'out.'}
ELSEWHERE = {
    'backbone.pretrained.cls_token': 'encoder.first',
    'backbone.pretrained.camera_token': 'encoder.camera',
    'backbone.pretrained.pos_embed': 'encoder.positions',
    'backbone.pretrained.patch_embed.proj.': 'encoder.patches.',
    'backbone.pretrained.norm.': 'encoder.norm.',
    'head.norm.': 'head.norm.',
    'head.projects.': 'head.projections.',
    'head.resize_layers.': 'head.resizers.',
    'head.scratch.output_conv1.': 'head.narrow.',
    'head.scratch.output_conv2.0.': 'head.depth_hidden.',
    'head.scratch.output_conv2.2.': 'head.depth_out.inner.',
    'head.scratch.sky_output_conv2.0.': 'head.sky_hidden.',
    'head.scratch.sky_output_conv2.2.': 'head.sky_out.inner.',
}


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names of an encoder and a head."""
    plain = {name.removeprefix(PREFIX) for name in names}
    return 'backbone.pretrained.cls_token' in plain and 'head.projects.0.weight' in plain


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """
    Return the weights that depth needs under the names here.

    Left out are the parts of the any-view models for cameras and viewing rays.
    """
    found = {}
    for name, value in state.items():
        if (new := new_name(name)) is not None:
            found[new] = value
    return found


def new_name(name: str) -> str | None:
    """Return the name here of an official one; None for a weight that depth does not need."""
    name = name.removeprefix(PREFIX)
    if block := BLOCK.match(name):
        return replaced(name[block.end() :], IN_BLOCK, f'encoder.layers.{block[1]}.')
    # The authors count levels and fusions from 1.
    if fusion := FUSION.match(name):
        return replaced(name[fusion.end() :], IN_FUSION, f'head.fusions.{int(fusion[1]) - 1}.')
    if level := LEVEL.match(name):
        return f'head.entries.{int(level[1]) - 1}.{name[level.end() :]}'
    return replaced(name, ELSEWHERE, '')


def replaced(name: str, table: Mapping[str, str], before: str) -> str | None:
    """Return a name whose beginning is in a table, changed by it; None for any other."""
    for old, new in table.items():
        if name.startswith(old):
            return before + new + name[len(old) :]
    return None
