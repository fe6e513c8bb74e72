# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MoGe-2: what its authors' ``model.pt`` holds, at any size, and a tiny network of ours."""

import json

from depth_refiner_ros.priors.moge2_network import MoGe2Config, MoGe2Network
from safetensors.torch import save_file
import torch

from tests.priors import tiny_models

PUBLISHED = {
    'S': ('dinov2_vits14', 384, 12, (5, 11), 1),
    'B': ('dinov2_vitb14', 768, 12, (5, 11), 1),
    'L': ('dinov2_vitl14', 1024, 24, (5, 11, 17, 23), 2),
}
"""Backbone, features, layers, taps, and residual blocks at each inner level of the neck."""
CHANNELS = (256, 128, 64, 32)

TINY = MoGe2Config(
    width=16,
    layers=3,
    heads=2,
    taps=(1, 2),
    features=12,
    channels=(16, 12, 8, 6, 4),
    neck_blocks=(0, 2, 1, 1, 0),
    head_blocks=(0, 1, 1, 1, 0),
    scale_widths=(16, 8),
    most_tokens=12,
)


def official_config(size, *, normals=True, tokens=(1200, 3600)):
    """Return ``model_config`` of a published size."""
    backbone, width, _, taps, blocks = PUBLISHED[size]
    channels = [width, *CHANNELS]
    plain = {
        'dim_res_blocks': channels,
        'res_block_in_norm': 'none',
        'res_block_hidden_norm': 'none',
        'resamplers': ['conv_transpose', 'conv_transpose', 'conv_transpose', 'bilinear'],
    }

    def head(outputs):
        ends = [None] * 4 + [outputs]
        return {**plain, 'dim_in': channels, 'dim_out': ends, 'num_res_blocks': [0, 1, 1, 1, 0]}

    inner = [0, blocks, blocks, blocks, 0]
    config = {
        'encoder': {'backbone': backbone, 'intermediate_layers': [*taps], 'dim_out': width},
        'neck': {**plain, 'dim_in': [width + 2, 2, 2, 2, 2], 'dim_out': None},
        'points_head': head(3),
        'mask_head': head(1),
        'scale_head': {'dims': [width, width, width, 1]},
        'remap_output': 'exp',
        'num_tokens_range': list(tokens),
    }
    config['neck']['num_res_blocks'] = inner
    return config | ({'normal_head': head(3)} if normals else {})


def official_shapes(size, *, normals=True):
    """Return the names and shapes of a published size's weights, as in ``model``."""
    _, width, layers, taps, blocks = PUBLISHED[size]
    channels = (width, *CHANNELS)
    backbone = 'encoder.backbone'
    shapes = {
        f'{backbone}.cls_token': (1, 1, width),
        f'{backbone}.pos_embed': (1, 1370, width),
        f'{backbone}.mask_token': (1, width),
        f'{backbone}.patch_embed.proj.weight': (width, 3, 14, 14),
        f'{backbone}.patch_embed.proj.bias': (width,),
        'encoder.image_mean': (1, 3, 1, 1),
        'encoder.image_std': (1, 3, 1, 1),
    }
    shapes |= both(f'{backbone}.norm', width)
    for number in range(layers):
        layer = f'{backbone}.blocks.{number}'
        shapes |= both(f'{layer}.norm1', width) | both(f'{layer}.norm2', width)
        shapes |= both(f'{layer}.attn.qkv', 3 * width, width)
        shapes |= both(f'{layer}.attn.proj', width, width)
        shapes |= both(f'{layer}.mlp.fc1', 4 * width, width)
        shapes |= both(f'{layer}.mlp.fc2', width, 4 * width)
        shapes |= {f'{layer}.ls{step}.gamma': (width,) for step in (1, 2)}
    for number in range(len(taps)):
        shapes |= both(f'encoder.output_projections.{number}', width, width, 1, 1)
    shapes |= decoder('neck', (width + 2, 2, 2, 2, 2), channels, blocks)
    for name, outputs in (('points', 3), ('mask', 1), *((('normal', 3),) if normals else ())):
        shapes |= decoder(f'{name}_head', channels, channels, 1)
        shapes |= both(f'{name}_head.output_blocks.4', outputs, channels[-1], 1, 1)
    for place, outputs in ((0, width), (2, width), (4, 1)):
        shapes |= both(f'scale_head.{place}', outputs, width)
    return shapes


def decoder(name, inputs, channels, blocks):
    shapes = {}
    for level, (given, own) in enumerate(zip(inputs, channels, strict=True)):
        shapes |= both(f'{name}.input_blocks.{level}', own, given, 1, 1)
        for block in range(blocks if 0 < level < 4 else 0):
            for place in (2, 5):
                shapes |= both(f'{name}.res_blocks.{level}.{block}.layers.{place}', own, own, 3, 3)
    for level in range(4):
        below, above = channels[level : level + 2]
        # Three levels grow by a transposed convolution, the last one by interpolation.
        if level < 3:
            up = f'{name}.resamplers.{level}.0'
            shapes |= {f'{up}.weight': (below, above, 2, 2), f'{up}.bias': (above,)}
        given = above if level < 3 else below
        shapes |= both(f'{name}.resamplers.{level}.1', above, given, 3, 3)
    return shapes


def both(name, *shape):
    return {f'{name}.weight': shape, f'{name}.bias': shape[:1]}


def tiny(config=TINY):
    """Return a tiny network whose points are near a pinhole's, so that a shift can be found."""
    network = tiny_models.lively(MoGe2Network(config))
    with torch.no_grad():
        _aim(network)
    return network


def _aim(network):
    last = network.points.last.inner
    last.weight.mul_(0.02)
    last.bias.copy_(torch.tensor([0.0, 0.0, 1.0]))
    # The plane itself goes through to the rays, past everything that has been seen.
    for part in (network.neck, network.points.pyramid):
        part.enter[-1].weight[:2] = torch.eye(2, part.enter[-1].in_channels)[:, :, None, None]
        part.grow[-1].smooth.weight[:2] = 0.0
    last.weight[:2, :2] = torch.eye(2)[:, :, None, None]
    network.mask.last.inner.weight.mul_(0.1)
    network.mask.last.inner.bias.fill_(0.2)


def saved(network, folder):
    """Write what an import writes."""
    folder.mkdir(exist_ok=True, parents=True)
    save_file(network.state_dict(), folder / 'model.safetensors')
    config = {'model_type': 'moge2', **network.config.to_dict()}
    (folder / 'config.json').write_text(json.dumps(config))
    return folder
