# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small refiner that comes with the package: unshuffled pixels and a convolutional UNet."""

from depth_refiner_ros.diffusion.codec import UnshuffleCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.unet import small_unet


def build_small(
    spec: ModelSpec,
    *,
    block_channels: tuple[int, ...],
    layers_per_block: int | tuple[int, ...] = 1,
    activation: str = 'silu',
) -> OneStepNetwork:
    """Build a small refiner with random weights; see :func:`~.unet.small_unet` for its shape."""
    codec = UnshuffleCodec(spec.unshuffle_factor)
    unet = small_unet(
        spec,
        depth_channels=codec.depth_channels,
        rgb_channels=codec.rgb_channels,
        block_channels=block_channels,
        layers_per_block=layers_per_block,
        activation=activation,
    )
    return OneStepNetwork(unet, codec, spec)
