# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
EfficientNet-Lite0 without its classifier: image features at five sizes.

Tan and Le, arXiv 1905.11946, table 1; the Lite variant has ReLU6 for swish, no squeeze and
excitation, and stem and head of fixed width. Batch normalisation keeps the statistics of
ImageNet, which makes it a scale of each convolution's outputs.
"""

from depth_refiner_ros.priors.scaled_conv import ScaledConv
import torch
from torch import nn
from torch.nn import functional

STEM = 32
STAGES = (
    # expansion, channels, blocks, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
CHANNELS = (16, 24, 40, 112, 320)
"""Features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the image."""
MIDDLE, SPREAD = 127.0, 128.0
"""Of the pixels in 0..255 that it was trained with."""


class InvertedBottleneck(nn.Module):
    """MBConv: widen, filter each channel, narrow; added to its input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, kernel: int):
        super().__init__()
        wide = inputs * expansion
        self.expand = ScaledConv(inputs, wide, 1) if expansion > 1 else None
        self.depthwise = ScaledConv(wide, wide, kernel, stride, groups=wide)
        self.project = ScaledConv(wide, outputs, 1)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features to features at 1/stride of the size."""
        wide = (
            features
            if self.expand is None
            else functional.relu6(self.expand(features), inplace=True)
        )
        narrow = self.project(functional.relu6(self.depthwise(wide), inplace=True))
        return features + narrow if self.adds else narrow


class EfficientNetLite0(nn.Module):
    """Maps an image whose sides are multiples of 32 to features of :data:`CHANNELS`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ScaledConv(3, STEM, 3, 2)
        self.levels = nn.ModuleList()
        inputs, level = STEM, nn.Sequential()
        for expansion, outputs, count, stride, kernel in STAGES:
            if stride == 2:
                self.levels.append(level)
                level = nn.Sequential()
            for place in range(count):
                step = stride if place == 0 else 1
                level.append(InvertedBottleneck(inputs, outputs, expansion, step, kernel))
                inputs = outputs
        self.levels.append(level)

    def forward(self, rgb_B3HW: torch.Tensor) -> list[torch.Tensor]:
        """
        Return features at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size.

        :param rgb_B3HW: image in 0..1
        """
        features, found = (
            functional.relu6(self.stem((rgb_B3HW * 255.0 - MIDDLE) / SPREAD), inplace=True),
            [],
        )
        for level in self.levels:
            features = level(features)
            found.append(features)
        return found
