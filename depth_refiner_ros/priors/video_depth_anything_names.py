# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The authors' names of Video Depth Anything's weights, and the names here."""

from collections.abc import Iterable, Mapping
import re

from depth_refiner_ros.priors import depth_anything_3_names
import torch

ENCODER, MOTION = (
    'pretrained.',
    re.compile(r'^head\.motion_modules\.(\d)\.temporal_transformer\.(?:transformer_blocks\.0\.)?'),
)
UNUSED = ('pretrained.mask_token', 'head.scratch.refinenet4.resConfUnit1.')
"""Weights that no output depends on."""
COMPUTED = '.pos_encoder.pe'
"""End of the names of positions in time, which are stored and are always the same."""

IN_MOTION = (
    (re.compile(r'^proj_in\.'), 'enter.'),
    (re.compile(r'^proj_out\.'), 'leave.'),
    (re.compile(r'^attention_blocks\.(\d)\.to_q\.'), r'attentions.\1.query.'),
    (re.compile(r'^attention_blocks\.(\d)\.to_k\.'), r'attentions.\1.key.'),
    (re.compile(r'^attention_blocks\.(\d)\.to_v\.'), r'attentions.\1.value.'),
    (re.compile(r'^attention_blocks\.(\d)\.to_out\.0\.'), r'attentions.\1.out.'),
    (re.compile(r'^ff_norm\.'), 'last_norm.'),
    (re.compile(r'^ff\.net\.0\.proj\.'), 'gated.'),
    (re.compile(r'^ff\.net\.2\.'), 'narrow.'),
)
"""Norms have the same names in both."""


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the authors' names of an encoder and a head with motion modules."""
    there = set(names)
    return 'pretrained.cls_token' in there and any(map(MOTION.match, there))


def renamed(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights that depth needs under the names here; others keep their names."""
    return {
        new_name(name): value
        for name, value in state.items()
        if not name.startswith(UNUSED) and not name.endswith(COMPUTED)
    }


def new_name(name: str) -> str:
    """Return the name here of an official one."""
    if motion := MOTION.match(name):
        inside = name[motion.end() :]
        for pattern, new in IN_MOTION:
            inside, found = pattern.subn(new, inside)
            if found:
                break
        return f'head.motions.{motion[1]}.{inside}'
    # Encoder and the rest of the head are as in Depth Anything 3, which wraps the encoder.
    wrapped = f'backbone.{name}' if name.startswith(ENCODER) else name
    return depth_anything_3_names.new_name(wrapped) or name
