# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Give a Stable Diffusion UNet a second latent and a task, as the start of training."""

from depth_refiner_ros.core.errors import WeightsError
from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import TimestepEmbedding
import torch
from torch import nn


def widen_conv_in(unet: UNet2DConditionModel, channels: int = 8) -> UNet2DConditionModel:
    """
    Widen the first convolution so that the same latent given twice has the output of one.

    The weights are repeated and divided, the bias is kept (Marigold, ApDepth B.1); the
    configuration is updated as attribute and item, or saving would write a wrong one.

    :param unet: changed in place
    :param channels: a multiple of its input channels
    :return: the same UNet
    :raises WeightsError: if the channels are not a multiple
    """
    old = unet.conv_in
    if channels % old.in_channels:
        raise WeightsError(
            f'conv_in has {old.in_channels} input channels, which cannot be '
            f'repeated to {channels}; start from a UNet with {channels // 2}'
        )
    times = channels // old.in_channels
    new = nn.Conv2d(
        channels,
        old.out_channels,
        old.kernel_size,
        old.stride,
        old.padding,
        device=old.weight.device,
        dtype=old.weight.dtype,
    )
    with torch.no_grad():
        new.weight.copy_(old.weight.repeat(1, times, 1, 1) / times)
        if old.bias is not None and new.bias is not None:
            new.bias.copy_(old.bias)
    unet.conv_in = new
    unet.register_to_config(in_channels=channels)
    return unet


def add_task(unet: UNet2DConditionModel, width: int) -> UNet2DConditionModel:
    """
    Add an embedding of the task to a UNet without one, which changes nothing until it is trained.

    :param unet: changed in place
    :param width: of the task's vector (Lotus: 4)
    :return: the same UNet
    """
    embedding = TimestepEmbedding(width, unet.time_embedding.linear_2.out_features)
    embedding.to(unet.conv_in.weight)
    nn.init.zeros_(embedding.linear_2.weight)
    nn.init.zeros_(embedding.linear_2.bias)
    unet.class_embedding = embedding
    unet.register_to_config(
        class_embed_type='projection', projection_class_embeddings_input_dim=width
    )
    return unet
