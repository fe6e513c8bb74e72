# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of UniK3D's weights, and the names here."""

from collections.abc import Iterable, Mapping
import re

from depth_refiner_ros.priors.depth_anything_3_names import IN_BLOCK
import torch

UNUSED = (
    'pixel_encoder.mask_token',
    'pixel_encoder.register_tokens',
    'pixel_decoder.level_embeds',
    'pixel_decoder.radial_module.confidence_mlp.',
    'pixel_decoder.radial_module.to_confidence_',
)
"""Weights that depth does not depend on."""
BLOCK = re.compile(r'^pixel_encoder\.blocks\.(\d+)\.')
CAMERA, DISTANCE = r'^pixel_decoder\.angular_module\.', r'^pixel_decoder\.radial_module\.'
SPREAD = ('project_pin', 'project_deg1', 'project_deg2', 'project_deg3')
OUTS = ('out_pinhole', 'out_deg1', 'out_deg2', 'out_deg3')

PATTERNS = tuple(
    (re.compile(old), new)
    for old, new in (
        (r'^pixel_encoder\.cls_token', 'encoder.first'),
        (r'^pixel_encoder\.pos_embed', 'encoder.positions'),
        (r'^pixel_encoder\.patch_embed\.proj\.', 'encoder.patches.'),
        (r'^pixel_encoder\.norm\.', 'encoder.norm.'),
        (r'^pixel_decoder\.input_adapter\.input_adapters\.', 'entries.'),
        (r'^pixel_decoder\.camera_token_adapter\.input_adapters\.', 'camera_entries.'),
        (CAMERA + 'latents_pos', 'camera.places'),
        (CAMERA + r'aggregate1\.', 'camera.attentions.0.'),
        (CAMERA + r'aggregate2\.', 'camera.attentions.1.'),
        *((f'{CAMERA}{name}\\.', f'camera.spread.{index}.') for index, name in enumerate(SPREAD)),
        *((f'{CAMERA}{name}\\.', f'camera.outs.{index}.') for index, name in enumerate(OUTS)),
        (DISTANCE + r'prompt_camera\.(\d)\.layers\.0\.', r'distance.prompts.\1.'),
        (DISTANCE + r'to_latents\.', 'distance.first.'),
        (DISTANCE + r'process_features\.(\d)\.', r'distance.stages.\1.entry.'),
        (DISTANCE + r'ups\.(\d)\.convs\.(\d)\.gamma', r'distance.stages.\1.units.\2.gain'),
        (DISTANCE + r'ups\.(\d)\.convs\.(\d)\.', r'distance.stages.\1.units.\2.'),
        (DISTANCE + r'ups\.(\d)\.up\.0\.', r'distance.stages.\1.out.'),
        (DISTANCE + r'depth_mlp\.2\.0\.', 'distance.norm.'),
        (DISTANCE + r'depth_mlp\.2\.1\.', 'distance.mixed.'),
        (DISTANCE + r'to_depth_lr\.', 'distance.narrow.'),
        (DISTANCE + r'to_depth_hr\.0\.', 'distance.hidden.'),
        (DISTANCE + r'to_depth_hr\.2\.', 'distance.out.inner.'),
    )
)
IN_HEADS = (
    (re.compile(r'\.norm_attnx\.'), '.query_norm.'),
    (re.compile(r'\.norm_attnctx\.'), '.context_norm.'),
    (re.compile(r'\.kv\.'), '.key_value.'),
    (re.compile(r'\.q\.'), '.query.'),
    (re.compile(r'\.ls1_1\.gamma$'), '.scale1'),
    (re.compile(r'\.ls2\.gamma$'), '.scale2'),
    (re.compile(r'\.mlp\.'), '.hidden.'),
    (re.compile(r'\.proj1\.'), '.wide.'),
    (re.compile(r'\.proj2\.'), '.out.'),
)
"""Inside attentions and hidden layers of the heads."""


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names of an encoder and both heads."""
    there = set(names)
    return {'pixel_encoder.cls_token', 'pixel_decoder.angular_module.latents_pos'} <= there


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights that depth needs under the names here; others keep their names."""
    return {new_name(name): value for name, value in state.items() if not name.startswith(UNUSED)}


def new_name(name: str) -> str:
    """Return the name here of an official one."""
    if block := BLOCK.match(name):
        inside = name[block.end() :]
        for old, new in IN_BLOCK.items():
            if inside.startswith(old):
                return f'encoder.layers.{block[1]}.{new}{inside[len(old) :]}'
    for pattern, new in PATTERNS:
        name, found = pattern.subn(new, name)
        if found:
            break
    if name.startswith(('camera.attentions.', 'camera.outs.', 'distance.prompts.')):
        for pattern, new in IN_HEADS:
            name = pattern.sub(new, name)
    return name
