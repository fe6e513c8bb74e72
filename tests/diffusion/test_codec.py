# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.diffusion.codec import UnshuffleCodec, VaeCodec
from diffusers import AutoencoderKL, AutoencoderTiny
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def vae():
    torch.manual_seed(0)
    return (
        AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            norm_num_groups=4,
            latent_channels=4,
            down_block_types=('DownEncoderBlock2D',) * 4,
            up_block_types=('UpDecoderBlock2D',) * 4,
            scaling_factor=0.25,
        )
        .eval()
        .requires_grad_(False)
    )


def test_unshuffle_is_inverted_exactly(subtests):
    for factor in [1, 2, 4, 8]:
        with subtests.test(factor=factor):
            depth = torch.randn(2, 1, 16, 24)
            codec = UnshuffleCodec(factor)
            latent = codec.encode_depth(depth)
            assert latent.shape == (2, codec.depth_channels, 16 // factor, 24 // factor)
            assert torch.equal(codec.decode_depth(latent), depth)


def test_unshuffled_image_holds_the_pixels_of_its_cell():
    rgb = torch.rand(1, 3, 8, 8)
    codec = UnshuffleCodec(4)
    latent = codec.encode_rgb(rgb)
    assert latent.shape == (1, codec.rgb_channels, 2, 2) == (1, 48, 2, 2)
    cell = rgb[0, :, 4:8, 0:4].reshape(-1) * 2.0 - 1.0
    torch.testing.assert_close(latent[0, :, 1, 0], cell)


def test_a_factor_below_one_is_refused():
    with pytest.raises(InputError, match='factor 0'):
        UnshuffleCodec(0)


def test_vae_latents_are_the_scaled_posterior_mean(vae):
    codec = VaeCodec(vae)
    rgb, unit = torch.rand(2, 3, 32, 40), torch.rand(2, 1, 32, 40) * 2.0 - 1.0
    mean = vae.encode(rgb * 2.0 - 1.0).latent_dist.mode()
    torch.testing.assert_close(codec.encode_rgb(rgb), mean * 0.25)
    grey = vae.encode(torch.cat([unit] * 3, dim=1)).latent_dist.mode()
    torch.testing.assert_close(codec.encode_depth(unit), grey * 0.25)
    assert torch.equal(codec.encode_depth(unit), codec.encode_depth(unit))


def test_vae_decodes_to_the_mean_of_the_channels_unclipped(vae):
    latent = torch.randn(1, 4, 4, 5) * 30.0
    decoded = VaeCodec(vae).decode_depth(latent)
    pixels = vae.decode(latent / 0.25).sample
    torch.testing.assert_close(decoded, (pixels[:, :1] + pixels[:, 1:2] + pixels[:, 2:]) / 3.0)
    shifted = VaeCodec(_louder(vae)).decode_depth(latent)
    assert float(shifted.abs().max()) > 1.0


def _louder(vae):
    louder = AutoencoderKL.from_config(vae.config).eval().requires_grad_(False)
    louder.decoder.conv_out.bias += 5.0
    return louder


def test_vae_states_its_sizes(vae):
    codec = VaeCodec(vae)
    assert (codec.factor, codec.depth_channels, codec.rgb_channels) == (8, 4, 4)
    assert codec.encode_rgb(torch.rand(1, 3, 32, 40)).shape == (1, 4, 4, 5)


def test_gradient_passes_through_the_frozen_decoder(vae):
    latent = torch.randn(1, 4, 2, 2, requires_grad=True)
    VaeCodec(vae).decode_depth(latent).sum().backward()
    assert float(latent.grad.abs().sum()) > 0.0
    assert all(value.grad is None for value in vae.parameters())


def test_the_tiny_autoencoder_serves_as_well():
    torch.manual_seed(1)
    tiny = (
        AutoencoderTiny(
            encoder_block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            num_encoder_blocks=(1, 1, 1, 1),
            num_decoder_blocks=(1, 1, 1, 1),
            latent_channels=4,
            scaling_factor=0.5,
        )
        .eval()
        .requires_grad_(False)
    )
    codec = VaeCodec(tiny)
    assert codec.factor == 8
    unit = torch.rand(1, 1, 32, 32)
    latent = codec.encode_depth(unit)
    assert latent.shape == (1, 4, 4, 4)
    torch.testing.assert_close(latent, tiny.encode(unit.repeat(1, 3, 1, 1)).latents * 0.5)
    torch.testing.assert_close(
        codec.decode_depth(latent), tiny.decode(latent / 0.5).sample.mean(1, keepdim=True)
    )


def test_the_scaling_factor_is_known_to_the_codec_alone():
    files = [*(ROOT / 'depth_refiner_ros').rglob('*.py'), *(ROOT / 'training').rglob('*.py')]
    assert len(files) > 50
    users = {
        path.name
        for path in files
        if 'scaling_factor' in path.read_text() or '0.18215' in path.read_text()
    }
    assert users == {'codec.py'}
