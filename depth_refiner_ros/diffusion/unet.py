# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Build the UNet of a one-step refiner from diffusers' own class."""

from depth_refiner_ros.diffusion.model_spec import ModelSpec
from diffusers import UNet2DConditionModel


def input_channels(spec: ModelSpec, depth_channels: int, rgb_channels: int) -> int:
    """Return the number of input channels: both latents, and the optional further inputs."""
    depth_latents = int(spec.takes_depth) + int(spec.detail)
    return rgb_channels + depth_latents * depth_channels + int(spec.layout) + int(spec.known)


def small_unet(
    spec: ModelSpec,
    *,
    depth_channels: int,
    rgb_channels: int,
    block_channels: tuple[int, ...] = (40, 56, 96, 128),
    layers_per_block: int | tuple[int, ...] = 1,
    groups: int = 8,
    activation: str = 'silu',
) -> UNet2DConditionModel:
    """
    Build a convolutional UNet without attention or text, for CPUs.

    :param block_channels: features at 1, 1/2, ... of the latent size
    :param layers_per_block: residual blocks at each of these sizes on the way down, or at all; one
        more on the way up
    :param activation: silu, or relu, which takes a tenth of the UNet's time less
    """
    levels = len(block_channels)
    task = len(spec.task_embedding)
    return UNet2DConditionModel(
        in_channels=input_channels(spec, depth_channels, rgb_channels),
        out_channels=depth_channels,
        block_out_channels=block_channels,
        layers_per_block=layers_per_block,
        norm_num_groups=groups,
        act_fn=activation,
        down_block_types=('DownBlock2D',) * levels,
        up_block_types=('UpBlock2D',) * levels,
        mid_block_type='UNetMidBlock2D',
        cross_attention_dim=8,
        attention_head_dim=8,
        class_embed_type='projection' if task else None,
        projection_class_embeddings_input_dim=task or None,
    )


def size_multiple(unet: UNet2DConditionModel, factor: int) -> int:
    """Return the number of pixels that image sides must be multiples of."""
    return int(factor * 2 ** (len(unet.config.block_out_channels) - 1))
