# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Depth Anything V2 from one file with the original parameter names (S, B, L, giant).

The giant model was never published for transformers; this reads its file as safetensors.
"""

from pathlib import Path
import re
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import PICKLES
from depth_refiner_ros.priors.transformers_model import load_model
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch

SIZES: dict[int, dict[str, Any]] = {
    384: {
        'heads': 6,
        'layers': 12,
        'taps': (3, 6, 9, 12),
        'fusion': 64,
        'neck': (48, 96, 192, 384),
    },
    768: {
        'heads': 12,
        'layers': 12,
        'taps': (3, 6, 9, 12),
        'fusion': 128,
        'neck': (96, 192, 384, 768),
    },
    1024: {
        'heads': 16,
        'layers': 24,
        'taps': (5, 12, 18, 24),
        'fusion': 256,
        'neck': (256, 512, 1024, 1024),
    },
    1536: {
        'heads': 24,
        'layers': 40,
        'taps': (10, 20, 30, 40),
        'fusion': 384,
        'neck': (1536, 1536, 1536, 1536),
    },
}
"""Features of the encoder to the rest of the architecture: S, B, L, giant."""

PATTERNS = tuple(
    (re.compile(f'^{old}'), new)
    for old, new in (
        (r'pretrained\.(cls_token|mask_token)', r'backbone.embeddings.\1'),
        (r'pretrained\.pos_embed', 'backbone.embeddings.position_embeddings'),
        (r'pretrained\.patch_embed\.proj', 'backbone.embeddings.patch_embeddings.projection'),
        (r'pretrained\.norm', 'backbone.layernorm'),
        (
            r'pretrained\.blocks\.(\d+)\.attn\.proj',
            r'backbone.encoder.layer.\1.attention.output.dense',
        ),
        (
            r'pretrained\.blocks\.(\d+)\.ls([12])\.gamma',
            r'backbone.encoder.layer.\1.layer_scale\2.lambda1',
        ),
        (r'pretrained\.blocks\.(\d+)\.mlp\.w12', r'backbone.encoder.layer.\1.mlp.weights_in'),
        (r'pretrained\.blocks\.(\d+)\.mlp\.w3', r'backbone.encoder.layer.\1.mlp.weights_out'),
        (r'pretrained\.blocks\.', 'backbone.encoder.layer.'),
        (r'depth_head\.projects\.(\d)', r'neck.reassemble_stage.layers.\1.projection'),
        (r'depth_head\.resize_layers\.(\d)', r'neck.reassemble_stage.layers.\1.resize'),
        (r'depth_head\.scratch\.output_conv1', 'head.conv1'),
        (r'depth_head\.scratch\.output_conv2\.0', 'head.conv2'),
        (r'depth_head\.scratch\.output_conv2\.2', 'head.conv3'),
    )
)
ROW = re.compile(r'^depth_head\.scratch\.layer(\d)_rn')
FUSION = re.compile(r'^depth_head\.scratch\.refinenet(\d)\.')
UNIT = re.compile(r'resConfUnit(\d)\.conv(\d)')
QKV = re.compile(r'^pretrained\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)')


def is_original(file: Path) -> bool:
    """Whether a path is a single file of weights; pickles are refused later."""
    return file.is_file() and file.suffix.lower() in ('.safetensors', *PICKLES)


def read_original(file: Path) -> Any:
    """
    Build the model of transformers from a safetensors file with the original names.

    :return: ``DepthAnythingForDepthEstimation`` for relative depth
    :raises WeightsError: for a pickle, or weights of an unknown size
    """
    if file.suffix.lower() in PICKLES:
        raise WeightsError(
            f'{file} is a pickle, which is never loaded; convert it once with '
            'depth-refiner models import'
        )
    try:
        state = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f'{file} is not readable safetensors: {error}; copy it again'
        ) from error
    return model_of(file, state)


def model_of(file: Path, state: dict[str, torch.Tensor]) -> Any:
    """
    Build the model of transformers from weights with the original names.

    :param file: their file, for messages
    :raises WeightsError: if their size is unknown, or they are incomplete
    """
    return load_model(
        file,
        'DepthAnythingForDepthEstimation',
        config=config_of(file, state),
        state=to_transformers(state),
    )


def config_of(file: Path, state: dict[str, torch.Tensor]) -> Any:
    """
    Return the configuration for the encoder width of a state dict.

    :raises WeightsError: if that is none of the four
    """
    token = state.get('pretrained.cls_token')
    width = 0 if token is None else token.shape[-1]
    if width not in SIZES:
        raise WeightsError(
            f'{file} is not an original Depth Anything V2 file (encoder width '
            f'{width or "unknown"}, known {", ".join(map(str, SIZES))}); use the '
            'folder of a -hf model'
        )
    return config_of_width(width)


def config_of_width(width: int, *, max_depth_m: int | None = None) -> Any:
    """
    Return the configuration of transformers' ``DepthAnythingForDepthEstimation`` for one size.

    :param width: features of the encoder, a key of :data:`SIZES`
    :param max_depth_m: range of a metric model; None is for relative depth
    """
    from transformers import DepthAnythingConfig, Dinov2Config

    size = SIZES[width]
    backbone = Dinov2Config(
        image_size=518,
        patch_size=14,
        hidden_size=width,
        num_attention_heads=size['heads'],
        num_hidden_layers=size['layers'],
        out_indices=list(size['taps']),
        use_swiglu_ffn=width == 1536,
        apply_layernorm=True,
        reshape_hidden_states=False,
    )
    return DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=width,
        patch_size=14,
        neck_hidden_sizes=list(size['neck']),
        fusion_hidden_size=size['fusion'],
        depth_estimation_type='relative' if max_depth_m is None else 'metric',
        max_depth=1 if max_depth_m is None else max_depth_m,
    )


def to_transformers(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights under the names of the -hf models; query, key and value are split."""
    renamed: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if fused := QKV.match(name):
            layer = f'backbone.encoder.layer.{fused[1]}.attention.attention'
            for part, rows in zip(('query', 'key', 'value'), value.float().chunk(3)):
                renamed[f'{layer}.{part}.{fused[2]}'] = rows
        else:
            renamed[_renamed(name)] = value.float()
    return renamed


def _renamed(name: str) -> str:
    # Both sides count the fusion blocks, from opposite ends.
    name = ROW.sub(lambda found: f'neck.convs.{int(found[1]) - 1}', name)
    name = FUSION.sub(lambda found: f'neck.fusion_stage.layers.{4 - int(found[1])}.', name)
    name = (
        UNIT.sub(r'residual_layer\1.convolution\2', name).replace('out_conv', 'projection')
        if name.startswith('neck.fusion_stage')
        else name
    )
    for pattern, new in PATTERNS:
        name, found = pattern.subn(new, name)
        if found:
            break
    return name
