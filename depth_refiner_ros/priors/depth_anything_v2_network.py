# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The shapes of Depth Anything V2 and its head, on which later networks are built."""

from collections.abc import Sequence

from depth_refiner_ros.priors import dpt
from depth_refiner_ros.priors.depth_anything_3_network import Architecture
from depth_refiner_ros.priors.transformers_model import InFloat32
import torch
from torch import nn
from torch.nn import functional

HIDDEN = 32
ARCHITECTURES = {
    'small': Architecture(
        width=384, heads=6, layers=12, taps=(2, 5, 8, 11), levels=(48, 96, 192, 384), features=64
    ),
    'base': Architecture(
        width=768,
        heads=12,
        layers=12,
        taps=(2, 5, 8, 11),
        levels=(96, 192, 384, 768),
        features=128,
    ),
    'large': Architecture(
        width=1024,
        heads=16,
        layers=24,
        taps=(4, 11, 17, 23),
        levels=(256, 512, 1024, 1024),
        features=256,
    ),
}
"""Size to the network's shape."""


class HeadLayers(nn.Module):
    """
    The layers of a head from the tokens of four blocks to depth or disparity.

    :param tokens: features of a token
    :param levels: features of the four levels, from the finest
    :param features: of the fusion
    """

    def __init__(self, *, tokens: int, levels: Sequence[int], features: int) -> None:
        super().__init__()
        self.projections = dpt.projections(tokens, levels)
        self.resizers = dpt.resizers(levels)
        self.entries = dpt.entries(levels, features)
        self.fusions = dpt.fusions(len(levels), features)
        self.narrow = nn.Conv2d(features, features // 2, 3, padding=1)
        self.depth_hidden = nn.Conv2d(features // 2, HIDDEN, 3, padding=1)
        self.depth_out = InFloat32(nn.Conv2d(HIDDEN, 1, 1))

    def finished(self, fused: torch.Tensor, size: dpt.Size) -> torch.Tensor:
        """Return depth from the fusion's finest maps."""
        wide = dpt.enlarged(self.narrow(fused), size)
        return self.depth_out(functional.relu(self.depth_hidden(wide))).relu()
