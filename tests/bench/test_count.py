# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Operations and bytes: against hand counts, and of the true-size networks."""

from functools import partial

from depth_refiner_ros.bench.count import count, Operations
from depth_refiner_ros.bench.networks import count_calls, FrameSize, network_calls
from depth_refiner_ros.bench.true_size import prior_stage, refiner_stages, SHORT_EDGE_PX
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network
from depth_refiner_ros.priors.network import network_size
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings
import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.groups import COUNTED

VGA = FrameSize(width=640, height=480)
shared = pytest.mark.xdist_group(COUNTED)
"""For those whose count is kept, by its arguments as the benchmark gives them: by place."""


def test_convolution_is_counted_by_hand():
    conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
    image = torch.rand(1, 3, 10, 12)
    found = count(lambda: conv(image), conv.parameters())
    weights = 8 * 3 * 9
    assert found == Operations(
        flops=2 * weights * 120,
        weight_bytes=4 * weights,
        operand_bytes=4 * (3 * 120 + weights + 8 * 120),
    )


@pytest.mark.parametrize('inference', [False, True])
def test_layers_are_counted_in_either_mode_and_the_rest_is_free(inference):
    layers = nn.Sequential(nn.Linear(16, 32, bias=False), nn.GELU(), nn.LayerNorm(32))
    with torch.inference_mode(inference):
        found = count(lambda: layers(torch.rand(5, 16)))
    assert found.flops == 2 * 5 * 16 * 32
    assert found.operand_bytes == 4 * (5 * 16 + 16 * 32 + 5 * 32)


@pytest.mark.parametrize('device', ['cpu', 'meta'])
def test_attention_is_one_fused_operation(device):
    query, key, value = torch.empty(3, 1, 2, 50, 4, device=device)
    found = count(lambda: functional.scaled_dot_product_attention(query, key, value=value))
    assert found.flops == 2 * 2 * (2 * 50 * 50 * 4)
    assert found.operand_bytes == 4 * 4 * (2 * 50 * 4), 'the 50 x 50 scores never leave the chip'


def test_half_precision_halves_the_bytes_alone():
    layer = nn.Linear(64, 64, bias=False, device='meta')
    both = [
        count(partial(layer.to(dtype), torch.empty(64, 64, dtype=dtype, device='meta')))
        for dtype in (torch.float32, torch.float16)
    ]
    assert both[0].flops == both[1].flops == 2 * 64**3
    assert both[0].operand_bytes == 2 * both[1].operand_bytes


def test_calls_repeat_all_but_the_weights_in_memory():
    one = Operations(flops=10.0, weight_bytes=4.0, operand_bytes=6.0)
    assert one.times(3) == Operations(flops=30.0, weight_bytes=4.0, operand_bytes=18.0)
    assert Operations.total([one] * 3) == one.times(3)


@shared
def test_full_size_networks_cost_what_is_known_of_them():
    stages = refiner_stages('apdepth', 'vae', VGA, 'fp16', 0)
    gflop = {name: stage.operations.flops / 1e9 for name, stage in stages.items()}
    assert gflop == pytest.approx({'encode': 2 * 1316, 'unet': 970, 'decode': 2954}, rel=0.01)
    megabytes = {name: stage.operations.weight_bytes / 1e6 for name, stage in stages.items()}
    assert megabytes == pytest.approx({'encode': 68, 'unet': 1625, 'decode': 99}, rel=0.01)
    assert [stage.calls for stage in stages.values()] == [2, 1, 1]


@shared
def test_small_codec_and_second_pass_are_counted():
    stages = refiner_stages('sharpdepth', 'tiny', VGA, 'fp16', 640)
    gflop = {name: stage.operations.flops / 1e9 for name, stage in stages.items()}
    expected = {'encode': 2 * 143, 'unet': 2 * 970, 'decode': 2 * 166}
    assert gflop == pytest.approx(expected, rel=0.01)
    assert [stage.calls for stage in stages.values()] == [2, 2, 2]


@shared
def test_a_refiner_is_counted_at_the_size_that_it_works_at():
    native, preset = (
        refiner_stages('sharpdepth', 'tiny', VGA, 'fp16', edge_px)['encode']
        for edge_px in (640, 0)
    )
    pixels = (768 * 576) / (640 * 480)
    assert preset.operations.flops == pytest.approx(native.operations.flops * pixels)


@shared
def test_prior_runs_at_whole_patches_and_costs_what_is_known():
    assert prior_stage('S', VGA, 'fp16', SHORT_EDGE_PX).operations.flops == pytest.approx(
        167e9, rel=0.01
    )
    large = prior_stage('L', VGA, 'fp16', SHORT_EDGE_PX).operations
    assert large.weight_bytes == pytest.approx(671e6, rel=0.01)
    with pytest.raises(InputError, match="'XL' must be one of S, B, L, G"):
        prior_stage('XL', VGA, 'fp16')


def test_a_frame_of_the_bundled_networks_is_counted_once_in_any_precision():
    found = []
    for precision in ('fp32', 'bf16'):
        model = ModelSettings(device='cpu', precision=precision, backend='torch')
        refiner = DepthRefiner.from_settings(model)
        calls = network_calls(refiner.runners, lambda refiner=refiner: refiner.warm_up(64, 48))
        stages = count_calls(calls, refiner.runners.execution)
        found.append({name: stage.operations.flops for name, stage in stages.items()})
    assert found[0] == found[1]
    assert list(found[0]) == ['prior', 'unet'], 'the bundled codec only moves pixels'
    network = read_prior_network(open_bundle('bundled', 'prior'))
    flops = 0.0
    for scale, mirrored in network.config.looks:
        width, height = network_size(network.config, 64, 48, multiple=scale)
        inputs = torch.zeros(1, 3, height, width), torch.zeros(1, 2, height, width)
        flops += count(lambda inputs=inputs: network(*inputs)).flops * len(mirrored)
    assert found[0]['prior'] == flops
