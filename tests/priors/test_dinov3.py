# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""DINOv3 as written here against the network of transformers, with the same weights."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors.dinov3 import Dinov3
from depth_refiner_ros.priors.infinidepth_names import by_axis
import pytest
import torch
from transformers import DINOv3ViTConfig, DINOv3ViTModel

WIDTH, HEADS, LAYERS = 64, 4, 3


def pair():
    """Return a network of transformers with random weights, and the same one here."""
    torch.manual_seed(0)
    config = DINOv3ViTConfig(
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        intermediate_size=4 * WIDTH,
        num_register_tokens=4,
    )
    theirs = DINOv3ViTModel(config).eval()
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.normal_(0.0, 0.2)
    mine = Dinov3(WIDTH, LAYERS, HEADS).eval()
    frequencies = WIDTH // HEADS // 4
    given = {
        'first': theirs.embeddings.cls_token,
        'registers': theirs.embeddings.register_tokens,
        'periods': 100.0 ** (torch.arange(frequencies) / frequencies),
    }
    with torch.no_grad():
        for name, value in given.items():
            getattr(mine, name).copy_(value)
        mine.patches.load_state_dict(theirs.embeddings.patch_embeddings.state_dict())
        mine.norm.load_state_dict(theirs.norm.state_dict())
        for layer, other in zip(mine.layers, theirs.model.layer, strict=True):
            attention = other.attention
            parts = attention.q_proj, attention.k_proj, attention.v_proj
            biases = [torch.zeros(WIDTH) if one.bias is None else one.bias for one in parts]
            weights = torch.cat([one.weight for one in parts])
            layer.qkv.weight.copy_(by_axis(weights, frequencies))
            layer.qkv.bias.copy_(by_axis(torch.cat(biases), frequencies))
            for name, part in (
                ('norm1', other.norm1),
                ('norm2', other.norm2),
                ('out', attention.o_proj),
                ('fc1', other.mlp.up_proj),
                ('fc2', other.mlp.down_proj),
            ):
                getattr(layer, name).load_state_dict(part.state_dict())
            layer.scale1.copy_(other.layer_scale1.lambda1)
            layer.scale2.copy_(other.layer_scale2.lambda1)
    return mine, theirs


@pytest.mark.parametrize('size', [(64, 96), (112, 48)])
def test_tokens_of_patches_are_those_of_transformers(size):
    mine, theirs = pair()
    pixels = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        wanted = theirs(pixels).last_hidden_state[:, 5:]
        found = mine(pixels)
    assert found.shape == (2, size[0] * size[1] // 256, WIDTH)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_a_side_that_is_no_multiple_of_a_patch_is_refused():
    with pytest.raises(InputError, match='50 x 32 pixels are no multiples of 16'):
        Dinov3(WIDTH, 1, HEADS)(torch.zeros(1, 3, 32, 50))
