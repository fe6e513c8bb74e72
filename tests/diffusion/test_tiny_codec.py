# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from depth_refiner_ros.diffusion.bundles import read_refiner, write_refiner_bundle
from depth_refiner_ros.diffusion.codec import VaeCodec
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
from depth_refiner_ros.diffusion.presets import apdepth_spec, sharpdepth_spec
from depth_refiner_ros.diffusion.sd2 import sd2_network, sd2_vae
from depth_refiner_ros.diffusion.tiny_codec import PARAMETERS, tiny_depth_vae
from diffusers import UNet2DConditionModel
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode


def build(width=8, seed=0):
    torch.manual_seed(seed)
    return tiny_depth_vae(width).eval().requires_grad_(False)


def operations(call):
    with torch.device('meta'), FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops()


@pytest.mark.parametrize('preset', ['paper', 'official_code'])
def test_it_drops_in_for_the_full_autoencoder(preset):
    with torch.device('meta'):
        spec = replace(sharpdepth_spec(preset), guess='self')
        small = sd2_network(spec, tiny_depth_vae()).codec
        full = sd2_network(spec).codec
        rgb = torch.rand(2, 3, 64, 96)
        unit = torch.rand(2, 1, 64, 96)
        assert small.encode_rgb(rgb).shape == full.encode_rgb(rgb).shape == (2, 4, 8, 12)
        latent = small.encode_depth(unit)
        assert latent.shape == full.encode_depth(unit).shape
        assert (
            small.decode_depth(latent).shape == full.decode_depth(latent).shape == (2, 1, 64, 96)
        )
    assert (small.factor, small.depth_channels) == (full.factor, full.depth_channels) == (8, 4)


def test_its_latents_are_the_scaled_ones():
    vae = build()
    codec = VaeCodec(vae)
    rgb, unit = torch.rand(1, 3, 32, 40), torch.rand(1, 1, 32, 40) * 2.0 - 1.0
    # The tiny encoder reads 0..1 inside, the codec hands it -1..1.
    torch.testing.assert_close(codec.encode_rgb(rgb), vae.encoder(rgb * 2.0 - 1.0))
    torch.testing.assert_close(codec.encode_depth(unit), vae.encoder(unit.repeat(1, 3, 1, 1)))
    latent = torch.randn(1, 4, 4, 5)
    decoded = codec.decode_depth(latent)
    assert decoded.shape == (1, 1, 32, 40)
    torch.testing.assert_close(decoded, vae.decoder(latent))
    # A latent of the full autoencoder is already scaled when it leaves its codec.
    with torch.device('meta'):
        assert VaeCodec(sd2_vae()).scaling_factor < codec.scaling_factor == 1.0


def test_size_and_operations_are_those_that_are_told():
    with torch.device('meta'):
        small, full = tiny_depth_vae(), sd2_vae()
        rgb, latent = torch.rand(1, 3, 480, 640), torch.rand(1, 4, 60, 80)
    assert sum(value.numel() for value in small.parameters()) == PARAMETERS
    counted = [
        operations(call) / 1e9
        for call in (
            lambda: small.encode(rgb),
            lambda: small.decode(latent),
            lambda: full.encode(rgb),
            lambda: full.decode(latent),
        )
    ]
    assert counted == pytest.approx([143.3, 164.9, 1315.5, 2953.6], abs=0.1)


def test_gradients_reach_encoder_and_decoder():
    vae = build().requires_grad_(True)
    codec = VaeCodec(vae)
    codec.decode_depth(codec.encode_depth(torch.rand(1, 1, 16, 16))).square().mean().backward()
    assert all(value.grad is not None for value in vae.parameters())
    assert float(vae.encoder.layers[0].weight.grad.abs().sum()) > 0.0


def test_it_goes_into_a_bundle_and_comes_back(tmp_path):
    unet = UNet2DConditionModel(
        in_channels=8,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=12,
        attention_head_dim=4,
        down_block_types=('DownBlock2D', 'CrossAttnDownBlock2D'),
        up_block_types=('CrossAttnUpBlock2D', 'UpBlock2D'),
    )
    network = OneStepNetwork(
        unet, VaeCodec(build()), replace(apdepth_spec(), text_width=12), torch.randn(1, 2, 12)
    ).eval()
    read = read_refiner(
        write_refiner_bundle(
            tmp_path / 'one',
            network,
            name='small',
            licence='Apache-2.0',
            source='random weights',
            dtype=torch.float32,
        )
    )
    latent = torch.randn(1, 4, 4, 4)
    assert torch.equal(read.codec.decode_depth(latent), network.codec.decode_depth(latent))
    assert read.codec.vae.config.out_channels == 1
