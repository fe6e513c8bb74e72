# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.diffusion.presets import (
    apdepth_spec,
    lotus_spec,
    marigold_spec,
    sharpdepth_spec,
)
from depth_refiner_ros.diffusion.sd2 import (
    LOTUS_UNET_PARAMETERS,
    sd2_network,
    sd2_unet,
    sd2_vae,
    UNET_PARAMETERS,
    VAE_PARAMETERS,
)
import torch


def count(module):
    return sum(value.numel() for value in module.parameters())


def test_parameter_counts_are_those_of_the_released_networks():
    with torch.device('meta'):
        assert count(sd2_unet()) == UNET_PARAMETERS == 865_922_244
        assert count(sd2_unet(class_embedding=True)) == LOTUS_UNET_PARAMETERS == 867_568_324
        assert count(sd2_vae()) == VAE_PARAMETERS == 83_653_863
        assert count(sd2_vae().decoder) + count(sd2_vae().post_quant_conv) == 49_490_179 + 20
        # One latent less at the input: 4 channels of 3 x 3 for each of 320 features.
        assert count(sd2_unet()) - count(sd2_unet(in_channels=4)) == 4 * 9 * 320


def test_every_preset_builds_at_true_size(subtests):
    cases = [
        (sharpdepth_spec('paper'), 2 * LOTUS_UNET_PARAMETERS),
        (sharpdepth_spec('official_code'), LOTUS_UNET_PARAMETERS),
        (apdepth_spec(), UNET_PARAMETERS),
        (lotus_spec('g'), LOTUS_UNET_PARAMETERS),
        (lotus_spec('d'), LOTUS_UNET_PARAMETERS - 11_520),
        (marigold_spec('v1-1'), UNET_PARAMETERS),
    ]
    for spec, unets in cases:
        with subtests.test(spec=spec, unets=unets), torch.device('meta'):
            network = sd2_network(spec)
            latent = torch.empty(1, 4, 60, 80)
            assert count(network) == unets + VAE_PARAMETERS
            assert network(latent if spec.takes_depth else None, latent).shape == latent.shape


def test_latents_have_stable_diffusions_size_and_scale():
    with torch.device('meta'):
        network = sd2_network(sharpdepth_spec('paper'))
        codec = network.codec
        latent = codec.encode_rgb(torch.rand(1, 3, 480, 640))
        assert latent.shape == (1, 4, 60, 80)
        assert codec.factor == 8
        assert network(latent, latent).shape == latent.shape
        assert codec.decode_depth(latent).shape == (1, 1, 480, 640)
    assert abs(codec.scaling_factor - 0.18215) < 1e-9
    assert network.text_1LC.shape == (1, 2, 1024)
