# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Classes of transformers in tiny random configurations, saved like published folders."""

import torch
from torch import nn
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    Dinov2Config,
    PromptDepthAnythingConfig,
    PromptDepthAnythingForDepthEstimation,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
)
from transformers.utils import logging

logging.disable_progress_bar()
DPT = {
    'reassemble_hidden_size': 32,
    'patch_size': 14,
    'neck_hidden_sizes': [8, 8, 16, 16],
    'fusion_hidden_size': 16,
    'head_hidden_size': 8,
}


def dinov2():
    return Dinov2Config(
        image_size=56,
        patch_size=14,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )


def depth_anything(kind='metric', max_depth=20):
    return lively(
        DepthAnythingForDepthEstimation(
            DepthAnythingConfig(
                backbone_config=dinov2(), depth_estimation_type=kind, max_depth=max_depth, **DPT
            )
        )
    )


def prompt_depth_anything():
    return lively(
        PromptDepthAnythingForDepthEstimation(
            PromptDepthAnythingConfig(backbone_config=dinov2(), **DPT)
        )
    )


def zoedepth(heads=('nyu', 'kitti')):
    bins = [
        {
            'name': name,
            'n_bins': 8,
            'min_depth': 1e-3,
            'max_depth': {'nyu': 10.0, 'kitti': 80.0}[name],
        }
        for name in heads
    ]
    backbone = BeitConfig(
        image_size=64,
        patch_size=16,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        use_relative_position_bias=True,
        reshape_hidden_states=False,
        out_features=['stage1', 'stage2', 'stage3', 'stage4'],
    )
    return lively(
        ZoeDepthForDepthEstimation(
            ZoeDepthConfig(
                backbone_config=backbone,
                neck_hidden_sizes=[8, 8, 16, 16],
                fusion_hidden_size=16,
                bottleneck_features=16,
                num_relative_features=8,
                bin_embedding_dim=16,
                num_attractors=[4, 2, 2, 1],
                bin_configurations=bins,
                num_patch_transformer_layers=4,
                patch_transformer_hidden_size=128,
                patch_transformer_intermediate_size=64,
                patch_transformer_num_attention_heads=4,
            )
        )
    )


def depth_pro(with_fov=True):
    encoder = {
        'model_type': 'dinov2',
        'image_size': 32,
        'patch_size': 8,
        'hidden_size': 16,
        'num_hidden_layers': 2,
        'num_attention_heads': 2,
    }
    model = lively(
        DepthProForDepthEstimation(
            DepthProConfig(
                patch_size=32,
                fusion_hidden_size=16,
                intermediate_hook_ids=[1, 0],
                intermediate_feature_dims=[8, 8],
                scaled_images_feature_dims=[8, 8, 8],
                image_model_config=dict(encoder),
                patch_model_config=dict(encoder),
                fov_model_config=dict(encoder),
                use_fov_model=with_fov,
                merge_padding_value=1,
            )
        )
    )
    # Inverse depth well above 0, as its last ReLU would hide a wrong focal length.
    nn.init.constant_(model.head.layers[-2].bias, 3.0)
    if with_fov:
        nn.init.constant_(model.fov_model.head.layers[-1].bias, 60.0)
    return model


def lively(model):
    """Redraw the weights, so that the output follows the image and is not constant."""
    generator = torch.Generator().manual_seed(0)
    for value in model.parameters():
        if value.ndim > 1:
            fan_in = value[0].numel()
            value.data = torch.randn(value.shape, generator=generator) * (2.0 / fan_in) ** 0.5
    return model.eval().requires_grad_(False)


def saved(model, folder):
    model.save_pretrained(folder)
    return folder
