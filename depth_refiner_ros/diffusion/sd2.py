# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Stable Diffusion 2's networks at their true size, with random weights.

Speed, memory and export do not depend on weights, so refiners at full size are measured and
exported with these. On the meta device (``with torch.device('meta')``) they use no memory.
"""

from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.unet import input_channels
from diffusers import AutoencoderKL, UNet2DConditionModel
import torch
from torch import nn

TEXT_TOKENS = 2
"""Tokens of the empty prompt without padding: begin and end."""
UNET_PARAMETERS = 865_922_244
"""Number of weights of the UNet with 8 input channels and without class embedding."""
LOTUS_UNET_PARAMETERS = 867_568_324
VAE_PARAMETERS = 83_653_863
LATENT_CHANNELS = 4


def sd2_unet(in_channels: int = 8, class_embedding: bool = False) -> UNet2DConditionModel:
    """
    Build Stable Diffusion 2's UNet.

    :param in_channels: 4 for one latent (Lotus-D), 8 for two
    :param class_embedding: with the projection of Lotus's and SharpDepth's task embedding
    """
    labels = {'class_embed_type': 'projection', 'projection_class_embeddings_input_dim': 4}
    return UNet2DConditionModel(
        sample_size=96,
        in_channels=in_channels,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(320, 640, 1280, 1280),
        layers_per_block=2,
        cross_attention_dim=1024,
        attention_head_dim=(5, 10, 20, 20),
        use_linear_projection=True,
        down_block_types=('CrossAttnDownBlock2D',) * 3 + ('DownBlock2D',),
        up_block_types=('UpBlock2D',) + ('CrossAttnUpBlock2D',) * 3,
        **(labels if class_embedding else {}),
    )


def sd2_vae() -> AutoencoderKL:
    """Build Stable Diffusion 2's autoencoder."""
    return AutoencoderKL(
        sample_size=768,
        latent_channels=LATENT_CHANNELS,
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        down_block_types=('DownEncoderBlock2D',) * 4,
        up_block_types=('UpDecoderBlock2D',) * 4,
    )


def sd2_network(spec: ModelSpec, vae: nn.Module | None = None) -> OneStepNetwork:
    """
    Build the whole network of a full-size spec, ready to run.

    :param spec: one of ``presets.py``
    :param vae: autoencoder to use instead of Stable Diffusion's, such as the small one
    """
    codec = VaeCodec(sd2_vae() if vae is None else vae)
    channels = input_channels(spec, codec.depth_channels, codec.rgb_channels)
    unet, second = (
        sd2_unet(channels, class_embedding=bool(spec.task_embedding)) if wanted else None
        for wanted in (True, spec.guess != 'self')
    )
    text = torch.zeros(1, TEXT_TOKENS, spec.text_width) if spec.text_width else None
    return OneStepNetwork(unet, codec, spec, text, second).eval().requires_grad_(False)
