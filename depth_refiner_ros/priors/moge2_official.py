# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Configuration and weights of MoGe-2 as its authors publish them, in the terms of our network.

Their ``model.pt`` holds ``model_config`` and ``model``. What it may also hold, such as a head for
normals, is left out; what would change the depth and is not built here is refused by its name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
import re
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.model_config import check_config, config_from
from depth_refiner_ros.models.pickles import read_tree
from depth_refiner_ros.priors.moge2_network import MoGe2Config, MoGe2Network
import torch

BACKBONES = {
    'dinov2_vits14': {'width': 384, 'layers': 12, 'heads': 6},
    'dinov2_vitb14': {'width': 768, 'layers': 12, 'heads': 12},
    'dinov2_vitl14': {'width': 1024, 'layers': 24, 'heads': 16},
}
PARTS = ('encoder', 'neck', 'points_head', 'mask_head', 'scale_head')
DECODERS = {'neck': None, 'points_head': 3, 'mask_head': 1}
"""Decoders of convolutions, with the outputs of their finest level."""
PLAIN = {'res_block_in_norm': 'none', 'res_block_hidden_norm': 'none'}
DEFAULTS = {
    'res_block_in_norm': 'layer_norm',
    'res_block_hidden_norm': 'group_norm',
    'activation': 'relu',
    'dim_times_res_block_hidden': 1,
    'num_res_blocks': 1,
}
"""What their code takes where the configuration is silent."""
UNUSED = ('normal_head.', 'encoder.image_', 'encoder.backbone.mask_token')
"""Beginnings of names: normals, constants, and what DINOv2's own training hid patches with."""

PATTERNS = tuple(
    (re.compile(f'^{old}'), new)
    for old, new in (
        (r'encoder\.output_projections\.', 'encoder.projections.'),
        (r'encoder\.backbone\.cls_token', 'encoder.dinov2.first'),
        (r'encoder\.backbone\.pos_embed', 'encoder.dinov2.positions'),
        (r'encoder\.backbone\.patch_embed\.proj\.', 'encoder.dinov2.patches.'),
        (r'encoder\.backbone\.blocks\.', 'encoder.dinov2.layers.'),
        (r'encoder\.backbone\.', 'encoder.dinov2.'),
        (r'(points|mask)_head\.output_blocks\.\d+\.', r'\1.last.inner.'),
        (r'(points|mask)_head\.', r'\1.pyramid.'),
        (r'scale_head\.', 'scale.inner.'),
    )
)
INSIDE = tuple(
    (re.compile(old), new)
    for old, new in (
        (r'\.attn\.qkv\.', '.qkv.'),
        (r'\.attn\.proj\.', '.out.'),
        (r'\.ls([12])\.gamma$', r'.scale\1'),
        (r'\.mlp\.', '.'),
        (r'\.input_blocks\.', '.enter.'),
        (r'\.res_blocks\.(\d+)\.(\d+)\.layers\.2\.', r'.blocks.\1.\2.first.'),
        (r'\.res_blocks\.(\d+)\.(\d+)\.layers\.5\.', r'.blocks.\1.\2.second.'),
        (r'\.resamplers\.(\d+)\.0\.', r'.grow.\1.up.'),
        (r'\.resamplers\.(\d+)\.1\.', r'.grow.\1.smooth.'),
    )
)


def read_official(file: Path) -> tuple[MoGe2Config, dict[str, torch.Tensor]]:
    """
    Return configuration and weights in a ``model.pt``, in the terms of our network.

    :raises WeightsError: if it is not that of a MoGe-2, or of one that is not built here
    """
    tree = read_tree(file)
    known = tree if isinstance(tree, dict) else {}
    official, weights = known.get('model_config'), known.get('model')
    if not isinstance(official, dict) or not isinstance(weights, dict):
        raise WeightsError(
            f'{file} holds no model_config and model; give the model.pt of a MoGe-2'
        )
    return config_of(official, str(file)), weights_of(weights)


def config_of(official: Mapping[str, Any], where: str) -> MoGe2Config:
    """
    Return the configuration of our network.

    :param official: ``model_config``
    :param where: its file, for messages
    :raises WeightsError: if it is not that of a MoGe-2, or of one that is not built here
    """
    check_config(official, {}, where, 'get the file again')
    lacking = [part for part in PARTS if not isinstance(official.get(part), Mapping)]
    if lacking:
        raise WeightsError(
            f'{where}: its configuration has no {lacking[0]}; MoGe-1 has no scale in metres: '
            'give the model.pt of a MoGe-2'
        )
    encoder, neck = official['encoder'], official['neck']
    backbone = encoder.get('backbone')
    if backbone not in BACKBONES:
        raise WeightsError(_only(where, 'encoder.backbone', backbone, ', '.join(BACKBONES)))
    encoder_size = BACKBONES[backbone]
    taps = encoder.get('intermediate_layers')
    if isinstance(taps, int):  # the last so many
        taps = [encoder_size['layers'] - taps + index for index in range(taps)]
    features, channels = encoder.get('dim_out'), neck.get('dim_res_blocks')
    if not isinstance(features, int) or not isinstance(channels, list | tuple):
        raise WeightsError(f'{where}: encoder.dim_out or neck.dim_res_blocks is missing')
    for part, outputs in DECODERS.items():
        first = [features + 2, *[2] * (len(channels) - 1)] if part == 'neck' else list(channels)
        last = None if outputs is None else [*[None] * (len(channels) - 1), outputs]
        _check_decoder(official[part], part, where, channels, first, last)
    heads = [_blocks(official[part], len(channels)) for part in ('points_head', 'mask_head')]
    if heads[0] != heads[1]:
        raise WeightsError(_only(where, 'mask_head.num_res_blocks', heads[1], shown(heads[0])))
    *widths, outputs = official['scale_head'].get('dims') or [None]
    if outputs != 1:
        raise WeightsError(_only(where, 'scale_head.dims', [*widths, outputs], 'lists to 1'))
    try:
        return config_from(
            MoGe2Config,
            {
                **encoder_size,
                'taps': list(taps or ()),
                'features': features,
                'channels': list(channels),
                'neck_blocks': _blocks(neck, len(channels)),
                'head_blocks': heads[0],
                'scale_widths': widths,
                'output': official.get('remap_output', 'linear'),
                'most_tokens': list(official.get('num_tokens_range') or [3600])[-1],
            },
            where,
            'get the file again',
        )
    except ValueError as error:
        raise WeightsError(f'{where}: {error}; get the file again') from error


def weights_of(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights in fp32 under the names of our network; those of normals are left out."""
    return {
        _renamed(name): value.float()
        for name, value in state.items()
        if not name.startswith(UNUSED)
    }


def check_weights(state: Mapping[str, torch.Tensor], config: MoGe2Config, where: str) -> None:
    """
    Raise unless weights are all that the network needs, and of its shapes.

    :param state: from :func:`weights_of`
    :param where: their file, for messages
    :raises WeightsError: naming the first that is missing, of another shape, or unknown
    """
    with torch.device('meta'):
        wanted = {name: value.shape for name, value in MoGe2Network(config).state_dict().items()}
    for name, shape in wanted.items():
        if name not in state:
            raise WeightsError(f'{where} lacks {name}; get the file again')
        if state[name].shape != shape:
            raise WeightsError(
                f'{where}: {name} has shape {tuple(state[name].shape)}, its configuration asks '
                f'for {tuple(shape)}; get the file again'
            )
    if unknown := sorted(set(state) - set(wanted)):
        raise WeightsError(f'{where} holds {unknown[0]}, which MoGe-2 does not have')


def _check_decoder(
    part: Mapping[str, Any],
    name: str,
    where: str,
    channels: Sequence[int],
    inputs: list[int],
    outputs: list[int | None] | None,
) -> None:
    ways = ['conv_transpose'] * (len(channels) - 2) + ['bilinear']
    wanted: dict[str, Any] = {
        'dim_res_blocks': list(channels),
        'dim_in': inputs,
        'dim_out': outputs,
        'resamplers': ways,
        'activation': 'relu',
        'dim_times_res_block_hidden': 1,
        **PLAIN,
    }
    for key, value in wanted.items():
        found = part.get(key, DEFAULTS.get(key))
        if (list(found) if isinstance(found, tuple) else found) != value:
            raise WeightsError(_only(where, f'{name}.{key}', found, shown(value)))


def _blocks(part: Mapping[str, Any], levels: int) -> list[int]:
    count = part.get('num_res_blocks', DEFAULTS['num_res_blocks'])
    return [count] * levels if isinstance(count, int) else list(count or ())


def _only(where: str, name: str, found: Any, known: str) -> str:
    return f'{where}: {name} = {shown(found)} is not built here, only {known}'


def _renamed(name: str) -> str:
    for pattern, new in PATTERNS:
        name, found = pattern.subn(new, name)
        if found:
            break
    for pattern, new in INSIDE:
        name = pattern.sub(new, name)
    return name
