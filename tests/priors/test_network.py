# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.models.model_config import config_from
from depth_refiner_ros.priors.network import MetricNetwork, MetricNetworkConfig, network_size
import pytest
import torch

from tests.tiny_networks import LITE, METRIC, metric_network


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    network = MetricNetwork(METRIC).eval()
    torch.nn.init.normal_(network.head.weight, std=0.1)
    return network.requires_grad_(False)


def test_an_untrained_network_says_two_and_a_half_metres():
    depth = MetricNetwork(METRIC)(torch.rand(1, 3, 32, 64), torch.zeros(1, 2, 32, 64)).exp()
    torch.testing.assert_close(depth, torch.full((1, 1, 16, 32), 2.5))


def test_an_untrained_network_expects_to_be_off_by_a_third():
    both = MetricNetwork(LITE)(torch.rand(1, 3, 32, 64), torch.zeros(1, 2, 32, 64)).exp()
    torch.testing.assert_close(both[:, :1], torch.full((1, 1, 32, 64), 2.5))
    torch.testing.assert_close(both[:, 1:], torch.full((1, 1, 32, 64), 0.3))


@pytest.mark.parametrize('config', [METRIC, LITE], ids=['rays', 'efficientnet_lite0'])
def test_image_and_rays_both_matter(config):
    network = metric_network(config=config)
    rgb, rays = torch.rand(1, 3, 64, 32), torch.rand(1, 2, 64, 32)
    depth = network(rgb, rays)
    assert not torch.equal(depth, network(1.0 - rgb, rays))
    assert not torch.equal(depth, network(rgb, -rays))


def test_the_head_stays_in_full_precision(network):
    with torch.autocast('cpu', torch.bfloat16):
        depth = network(torch.rand(1, 3, 64, 32), torch.rand(1, 2, 64, 32))
    assert depth.dtype == torch.float32
    # Between 0.5 and 1, bfloat16 would know steps of 1/256 alone.
    assert float((depth * 256.0 - (depth * 256.0).round()).abs().max()) > 0.01


def test_network_size_keeps_shape_and_area(subtests):
    cases = [
        (640, 480, (64, 64)),
        (1280, 480, (96, 32)),
        (64, 64, (64, 64)),
        (4000, 10, (1280, 32)),
    ]
    for width, height, expected in cases:
        with subtests.test(width=width, height=height):
            assert network_size(METRIC, width, height) == expected
    assert network_size(METRIC, 1280, 480, multiple=2.0) == (224, 64)


def test_network_size_of_the_shipped_shape():
    config = MetricNetworkConfig()
    assert network_size(config, 640, 480) == (256, 192)
    assert network_size(config, 1280, 720) == (288, 160)


def test_configuration_survives_json():
    assert (
        config_from(
            MetricNetworkConfig,
            {
                key: list(value) if isinstance(value, tuple) else value
                for key, value in METRIC.to_dict().items()
            },
            'config.json',
            'copy it again',
        )
        == METRIC
    )


def test_impossible_configurations_are_refused(subtests):
    cases = [
        {'canonical_focal_px': 0.0},
        {'canonical_focal_px': math.nan},
        {'groups': -1},
        {'channels': (8, 10**400, 8, 8, 8)},
        {'blocks': (1, 1)},
        {'channels': ()},
        {'encoder': 'resnet'},
        {'upsampling': 4},
        {'encoder': 'efficientnet_lite0', 'decoder_channels': (8, 8, 8)},
        {'scales': (1.0, 0.0)},
    ]
    for wrong in cases:
        with subtests.test(wrong=wrong), pytest.raises(ValueError, match=r'must (have|be|lie)'):
            MetricNetworkConfig(**wrong)


def test_rays_of_a_resized_camera_stay_the_same_rays():
    camera = Intrinsics.from_fov(640, 480, 70.0)
    small = camera.resized(64, 48)
    wide, narrow = camera.rays(), small.rays()
    centres = torch.nn.functional.avg_pool2d(wide[None], 10)[0]
    torch.testing.assert_close(centres, narrow, rtol=1e-4, atol=1e-5)
