# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""conv_in 4 -> 8: the same latent twice has the output of one, and the configuration is right."""

import json

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.diffusion.releases.widen import widen_conv_in
from diffusers import UNet2DConditionModel
import pytest
import torch

from tests.diffusion.releases.official_folders import TASK, unet, WIDTH


@pytest.mark.parametrize('task', [{}, TASK])
def test_eight_channels_on_x_and_x_are_four_on_x(task):
    torch.manual_seed(0)
    network = unet(4, **task).eval()
    latent, text = torch.randn(2, 4, 8, 8), torch.randn(2, 2, WIDTH)
    extra = {'class_labels': torch.randn(2, 4)} if task else {}
    bias = network.conv_in.bias.clone()
    with torch.inference_mode():
        before = network(latent, 1, text, **extra).sample
    widen_conv_in(network)
    with torch.inference_mode():
        after = network(torch.cat([latent, latent], dim=1), 1, text, **extra).sample
    assert torch.allclose(after, before, atol=1e-5)
    assert torch.equal(network.conv_in.bias, bias), 'halving it is another method'


def test_both_halves_are_half_the_weights():
    network = unet(4)
    weights = network.conv_in.weight.clone()
    widen_conv_in(network)
    assert network.conv_in.weight.shape == (8, 8, 3, 3)
    for half in network.conv_in.weight.split(4, dim=1):
        assert torch.equal(half, weights / 2)


def test_the_saved_configuration_says_eight(tmp_path):
    network = widen_conv_in(unet(4))
    assert network.config.in_channels == 8
    assert network.config['in_channels'] == 8
    network.save_pretrained(tmp_path)
    assert json.loads((tmp_path / 'config.json').read_text())['in_channels'] == 8
    again = UNet2DConditionModel.from_pretrained(tmp_path)
    assert torch.equal(again.conv_in.weight, network.conv_in.weight)


def test_number_format_and_gradients_stay():
    network = widen_conv_in(unet(4).half())
    assert network.conv_in.weight.dtype is torch.float16
    assert network.conv_in.weight.requires_grad


def test_a_number_of_channels_that_does_not_repeat():
    with pytest.raises(WeightsError, match='4 input channels, which cannot be repeated to 9'):
        widen_conv_in(unet(4), 9)
