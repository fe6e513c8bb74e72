# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The semantic features that prompt Pixel-Perfect Depth: of Depth Anything V2's encoder or MoGe-2's.

Both are a DINOv2 on patches of 14 x 14 pixels, so that the image is shrunk by 14/16 to give one
token for each patch of 16 x 16, each in its own way. Tokens are scaled to length 1.
"""

from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.moge2_network import Encoder
from depth_refiner_ros.priors.pixel_perfect_depth_network import COARSE_PX
from depth_refiner_ros.priors.preprocess import IMAGENET, normalised
import torch
from torch import nn
from torch.nn import functional


class DepthAnythingSemantics(nn.Module):
    """
    The last tokens of Depth Anything V2's encoder.

    :param encoder: with its last layer as the only tap
    """

    def __init__(self, encoder: Dinov2) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, rgb_B3hw: torch.Tensor) -> torch.Tensor:
        """Return ``semantics_BNC`` of an image in 0..1 whose sides are multiples of 16."""
        pixels = functional.interpolate(
            normalised(rgb_B3hw, IMAGENET), size=size_at_encoder(rgb_B3hw), mode='bicubic'
        )
        return functional.normalize(self.encoder(pixels)[-1][:, 1:], dim=2)


class MoGe2Semantics(nn.Module):
    """
    The features of MoGe-2's encoder.

    :param encoder: of MoGe-2
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, rgb_B3hw: torch.Tensor) -> torch.Tensor:
        """Return ``semantics_BNC`` of an image in 0..1 whose sides are multiples of 16."""
        smaller = functional.interpolate(
            rgb_B3hw, size=size_at_encoder(rgb_B3hw), mode='bilinear', antialias=True
        )
        features, _ = self.encoder(normalised(smaller, IMAGENET))
        return functional.normalize(features.flatten(2).transpose(1, 2), dim=2)


def size_at_encoder(rgb_B3hw: torch.Tensor) -> Size:
    """Return rows and columns of the image that the encoder sees."""
    rows, columns = (side // COARSE_PX * PATCH_PX for side in size_of(rgb_B3hw))
    return rows, columns
