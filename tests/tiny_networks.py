# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tiny networks with random weights."""

from dataclasses import replace

from depth_refiner_ros.diffusion.codec import UnshuffleCodec, VaeCodec
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.small import build_small
from depth_refiner_ros.priors.network import MetricNetwork, MetricNetworkConfig
from diffusers import AutoencoderKL, UNet2DConditionModel
import torch

TASK = (0.8414709848, 0.0, 0.5403023059, 1.0)


def small(seed=0, **changes):
    torch.manual_seed(seed)
    spec = ModelSpec(**{'unshuffle_factor': 2, **changes})
    return build_small(spec, block_channels=(8, 16)).eval().requires_grad_(False)


def tiny_vae():
    return AutoencoderKL(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        latent_channels=4,
        scaling_factor=0.25,
        down_block_types=('DownEncoderBlock2D',) * 2,
        up_block_types=('UpDecoderBlock2D',) * 2,
    )


def tiny_lotus(channels=8, **changes):
    return UNet2DConditionModel(
        **{
            'in_channels': channels,
            'out_channels': 4,
            'block_out_channels': (8, 16),
            'layers_per_block': 1,
            'norm_num_groups': 4,
            'cross_attention_dim': 12,
            'attention_head_dim': 4,
            'class_embed_type': 'projection',
            'projection_class_embeddings_input_dim': 4,
            'down_block_types': ('DownBlock2D', 'CrossAttnDownBlock2D'),
            'up_block_types': ('CrossAttnUpBlock2D', 'UpBlock2D'),
            **changes,
        }
    )


def lotus_spec(**changes):
    return ModelSpec(
        **{
            'method': 'sharpdepth',
            'codec': 'vae',
            'channel_order': 'rgb_depth',
            'timestep': 999,
            'prediction': 'sample',
            'detail': False,
            'known': False,
            'space': 'depth',
            'range': 'minmax',
            'task_embedding': TASK,
            'text_width': 12,
            **changes,
        }
    )


def lotus(seed=0, unet_guess=None, **changes):
    """Return a SharpDepth network of the full architecture, tiny."""
    torch.manual_seed(seed)
    network = OneStepNetwork(
        tiny_lotus(),
        VaeCodec(tiny_vae().eval().requires_grad_(False)),
        lotus_spec(**changes),
        torch.randn(1, 2, 12),
        unet_guess,
    )
    return network.eval().requires_grad_(False)


def tiny_of(spec, seed=0):
    """Return a tiny network with the conventions of a full-size spec."""
    torch.manual_seed(seed)
    labels = (
        {}
        if spec.task_embedding
        else {'class_embed_type': None, 'projection_class_embeddings_input_dim': None}
    )
    unet, second = (
        tiny_lotus(channels=8 if spec.takes_depth else 4, **labels) if wanted else None
        for wanted in (True, spec.guess != 'self')
    )
    network = OneStepNetwork(
        unet, VaeCodec(tiny_vae()), replace(spec, text_width=12), torch.randn(1, 2, 12), second
    )
    return network.eval().requires_grad_(False)


def unshuffled(spec, unet, text=None):
    return OneStepNetwork(unet, UnshuffleCodec(spec.unshuffle_factor), spec, text)


METRIC = MetricNetworkConfig(
    channels=(8, 8, 8, 8, 8),
    blocks=(1, 1, 1, 1, 1),
    decoder_channels=(8, 8, 8, 8),
    input_width=64,
    input_height=64,
    canonical_focal_px=50.0,
)


LITE = MetricNetworkConfig(
    encoder='efficientnet_lite0',
    coarsest_channels=8,
    decoder_channels=(8, 8, 8),
    upsampling=4,
    uncertainty=True,
    input_width=64,
    input_height=64,
    canonical_focal_px=50.0,
)


def metric_network(seed=0, config=METRIC):
    torch.manual_seed(seed)
    network = MetricNetwork(config)
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network.eval().requires_grad_(False)
