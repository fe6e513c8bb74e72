# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of Prior Depth Anything's weights, and the names here."""

from collections.abc import Iterable, Mapping
import re

from depth_refiner_ros.priors import depth_anything_3_names
import torch

IMAGE, CONDITION = 'pretrained.patch_embed.proj.', 'pretrained.patch_embed.alpha_proj.'
"""Convolutions of image and condition, which are added."""
UNUSED = ('pretrained.mask_token', 'depth_head.scratch.refinenet4.resConfUnit1.')
"""Weights of Depth Anything V2 that no output depends on; the conditioned network lacks them."""
NESTED = re.compile(r'(output_conv2\.)0\.(\d\.)')
"""The conditioned network keeps its last layers one level deeper."""


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names of a Depth Anything V2, conditioned or not."""
    there = set(names)
    return 'pretrained.cls_token' in there and 'depth_head.projects.0.weight' in there


def is_conditioned(names: Iterable[str]) -> bool:
    """Whether these are the names of a network that takes a condition."""
    return f'{CONDITION}weight' in names


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights that disparity needs under the names here; others keep their names."""
    found = {
        new_name(name): value
        for name, value in state.items()
        if not name.startswith((*UNUSED, CONDITION))
    }
    if is_conditioned(state) and {f'{IMAGE}weight', f'{CONDITION}bias'} <= set(state):
        kernels = state[f'{IMAGE}weight'], state[f'{CONDITION}weight']
        found[new_name(f'{IMAGE}weight')] = torch.cat(kernels, dim=1)
        found[new_name(f'{IMAGE}bias')] = state[f'{IMAGE}bias'] + state[f'{CONDITION}bias']
    return found


def new_name(name: str) -> str:
    """Return the name here of an official one."""
    # Encoder and head are as in Depth Anything 3, which names both differently.
    plain = NESTED.sub(r'\1\2', name).replace('depth_head.', 'head.', 1)
    wrapped = f'backbone.{plain}' if plain.startswith('pretrained.') else plain
    return depth_anything_3_names.new_name(wrapped) or name
