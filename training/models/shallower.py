# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Take from a small refiner the residual blocks at full latent size that cost it most.

At full size a UNet has one block on its way down and two on its way up; without the first and the
last of them it takes a fifth less time. What both add is dropped, and what they pass on stays: the
shortcut of the last one, which is linear, becomes part of the block before it.
"""

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.small import build_small
from diffusers.models.resnet import ResnetBlock2D
import torch
from torch import nn


def shallower(source: OneStepNetwork) -> OneStepNetwork:
    """
    Return a refiner with one residual block at full latent size instead of three.

    :param source: a small refiner with one block at each size on its way down; not changed; its
        timestep becomes part of the biases
    :raises WeightsError: if it has other blocks
    """
    blocks = tuple(source.unet.config.block_out_channels)
    has = source.unet.config.layers_per_block
    if has not in (1, (1,) * len(blocks), [1] * len(blocks)):
        raise WeightsError(
            f'layers_per_block = {has} must be 1 at each size: a refiner is made shallower once'
        )
    layers = (0, *(1 for _ in blocks[1:]))
    target = build_small(
        source.spec,
        block_channels=blocks,
        layers_per_block=layers,
        activation=source.unet.config.act_fn,
    )
    state = FoldedUnet(source.unet, source.spec.timestep).unet.state_dict()
    kept = target.unet.state_dict()
    for name in kept:
        if name in state:
            kept[name] = state[name]
        elif 'time_emb' in name:  # part of the biases
            kept[name] = torch.zeros_like(kept[name])
    target.unet.load_state_dict(kept)
    last, dropped = target.unet.up_blocks[-1].resnets[0], source.unet.up_blocks[-1].resnets[1]
    _pass_through(last, dropped)
    return target


@torch.no_grad()
def _pass_through(block: ResnetBlock2D, shortcut_of: ResnetBlock2D) -> None:
    """Let a block end with the shortcut of the next one, which reads it and the first map."""
    outputs = block.conv2.out_channels
    through, skip = _matrix(shortcut_of.conv_shortcut).split(
        [outputs, shortcut_of.in_channels - outputs], dim=1
    )
    for conv in (block.conv2, block.conv_shortcut):
        conv.weight.copy_(torch.einsum('oi,ichw->ochw', through, conv.weight))
        conv.bias.copy_(through @ conv.bias)
    block.conv_shortcut.weight[:, -skip.shape[1] :, 0, 0] += skip
    block.conv_shortcut.bias += shortcut_of.conv_shortcut.bias


def _matrix(conv: nn.Conv2d) -> torch.Tensor:
    return conv.weight[:, :, 0, 0]
