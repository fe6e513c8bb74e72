# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A convolution with batch normalisation of frozen statistics, as one convolution."""

from typing import TypeVar

import torch
from torch import nn
from torch.nn import functional

Network = TypeVar('Network', bound=nn.Module)


class ScaledConv(nn.Conv2d):
    """
    A convolution whose outputs are scaled and shifted per channel.

    Scaling weights instead of features costs next to nothing, and the weights keep the sizes that
    they had beside batch normalisation, so that one learning rate fits all layers. Its padding is
    TensorFlow's ``SAME`` for sides that the stride divides: at stride 2 the odd row and column are
    added below and right.

    :param inputs: channels
    :param outputs: channels
    :param kernel: odd
    :param stride: 1 or 2
    :param groups: as of a convolution
    """

    scale: nn.Parameter | None

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        around = kernel // 2 if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, around, groups=groups)
        self.scale = nn.Parameter(torch.ones(outputs))
        before = (kernel - 2) // 2
        self.pads = (before, kernel - 2 - before) * 2 if stride == 2 else None

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features to features at 1/stride of the size."""
        weight = self.weight
        if self.scale is not None:
            weight = weight * self.scale.view(-1, 1, 1, 1)
        if self.pads is not None:
            features = functional.pad(features, self.pads)
        return self._conv_forward(features, weight, self.bias)

    @torch.no_grad()
    def fold(self) -> None:
        """Multiply the weights by their scale for good: the same outputs, no longer trainable."""
        if self.scale is not None:
            self.weight.mul_(self.scale.view(-1, 1, 1, 1))
            self.scale = None


def folded(network: Network) -> Network:
    """Fold every scale of a network, in place, and return it."""
    for part in network.modules():
        if isinstance(part, ScaledConv):
            part.fold()
    return network
