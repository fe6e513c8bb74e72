# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The parts of a dense prediction transformer (DPT, arXiv 2103.13413) as Depth Anything builds it.

Convolutions of one pixel follow the enlargement of their input in the authors' code; here they
come first, which gives the same and costs a quarter.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

Size = tuple[int, int]
"""Rows and columns."""


def enlarged(maps: torch.Tensor, size: Size) -> torch.Tensor:
    """Return maps of this size, bilinear with aligned corners."""
    return functional.interpolate(maps, size=size, mode='bilinear', align_corners=True)


def size_of(maps: torch.Tensor) -> Size:
    """Return rows and columns of maps."""
    return maps.shape[-2], maps.shape[-1]


class Unit(nn.Module):
    """Two convolutions, each after a ReLU, added to their input."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of the same size."""
        return maps + self.conv2(functional.relu(self.conv1(functional.relu(maps))))


class Fusion(nn.Module):
    """
    Adds a level to what came from the coarser ones, and enlarges the sum.

    :param features: of both
    :param coarsest: whether nothing came before it
    """

    def __init__(self, features: int, *, coarsest: bool) -> None:
        super().__init__()
        self.lateral = None if coarsest else Unit(features)
        self.own = Unit(features)
        self.out = nn.Conv2d(features, features, 1)

    def forward(
        self, level: torch.Tensor, before: torch.Tensor | None, size: Size
    ) -> torch.Tensor:
        """Return the fused maps at this size."""
        if self.lateral is not None and before is not None:
            level = before + self.lateral(level)
        return enlarged(self.out(self.own(level)), size)


def projections(tokens: int, levels: Sequence[int]) -> nn.ModuleList:
    """Return the layers from tokens, as maps, to the features of each level."""
    return nn.ModuleList(nn.Conv2d(tokens, width, 1) for width in levels)


def resizers(levels: Sequence[int]) -> nn.ModuleList:
    """Return the layers from the grid of patches to 4, 2, 1 and 1/2 times its sides."""
    first, second, _, last = levels
    return nn.ModuleList(
        (
            nn.ConvTranspose2d(first, first, 4, 4),
            nn.ConvTranspose2d(second, second, 2, 2),
            nn.Identity(),
            nn.Conv2d(last, last, 3, 2, 1),
        )
    )


def entries(levels: Sequence[int], features: int) -> nn.ModuleList:
    """Return the layers from the features of each level to those of the fusion."""
    return nn.ModuleList(nn.Conv2d(width, features, 3, padding=1, bias=False) for width in levels)


def fusions(count: int, features: int) -> nn.ModuleList:
    """Return the fusions of levels, from the finest."""
    return nn.ModuleList(Fusion(features, coarsest=index == count - 1) for index in range(count))


def sizes_after(levels: Sequence[torch.Tensor]) -> list[Size]:
    """Return the size that each level is enlarged to: that of the next finer one, or twice."""
    rows, columns = size_of(levels[0])
    return [(2 * rows, 2 * columns), *(size_of(level) for level in levels[:-1])]
