# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of the transformer's weights of Pixel-Perfect Depth, and the names here."""

from collections.abc import Iterable, Mapping

import torch

PREFIX = 'dit.'
"""Of all names in the published file."""
REPLACED = (
    ('x_embedder.proj.', 'patches.'),
    ('t_embedder.mlp.', 'time.'),
    ('blocks.', 'layers.'),
    ('proj_fusion.', 'fusion.'),
    ('final_layer.linear.', 'last.inner.'),
    ('final_layer.', ''),
    ('attn.q_norm.', 'query_norm.'),
    ('attn.k_norm.', 'key_norm.'),
    ('attn.qkv.', 'qkv.'),
    ('attn.proj.', 'out.'),
    ('mlp.fc', 'fc'),
    ('adaLN_modulation.1.', 'modulation.'),
)
"""Parts of names, in the order in which they are replaced."""


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names of the transformer."""
    return {f'{PREFIX}x_embedder.proj.weight', f'{PREFIX}proj_fusion.0.weight'} <= set(names)


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights of the transformer under the names here; others are left out."""
    return {new_name(name): value for name, value in state.items() if name.startswith(PREFIX)}


def new_name(name: str) -> str:
    """Return the name here of an official one."""
    name = name.removeprefix(PREFIX)
    for old, new in REPLACED:
        name = name.replace(old, new)
    return name
