# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""InfiniDepth's map of fine detail: a residual network whose four levels are brought together."""

from depth_refiner_ros.priors.dpt import enlarged, size_of
import torch
from torch import nn
from torch.nn import functional

CELL_PX = 4


class ResidualBlock(nn.Module):
    """Two normalised convolutions, added to the input, which one more brings to their size."""

    def __init__(self, before: int, features: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, features, 3, stride, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.norm = of_each_channel(features)
        self.shortcut = None if stride == 1 else nn.Conv2d(before, features, 1, stride)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps, smaller by the stride."""
        inner = functional.relu(self.norm(self.conv1(maps)))
        inner = functional.relu(self.norm(self.conv2(inner)))
        if self.shortcut is not None:
            maps = self.norm(self.shortcut(maps))
        return functional.relu(maps + inner)


class DetailEncoder(nn.Module):
    """
    The network.

    :param features: of its map
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        widths = (features // 2, features // 4 * 3, features, features)
        self.stem = nn.Conv2d(3, widths[0], 7, 2, padding=3)
        self.stem_norm = of_each_channel(widths[0])
        self.levels = nn.ModuleList(
            nn.Sequential(
                ResidualBlock(before, width, 1 if index == 0 else 2),
                ResidualBlock(width, width, 1),
            )
            for index, (before, width) in enumerate(zip((widths[0], *widths), widths))
        )
        self.joined = nn.Conv2d(sum(widths), 2 * features, 3, padding=1)
        self.joined_norm = of_each_channel(2 * features)
        self.out = nn.Conv2d(2 * features, features, 1)

    def forward(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """
        Return a map of a quarter of the image's sides.

        :param pixels_B3hw: from -1 to 1
        """
        height, width = size_of(pixels_B3hw)
        maps, levels = functional.relu(self.stem_norm(self.stem(pixels_B3hw))), []
        for level in self.levels:
            maps = level(maps)
            levels.append(enlarged(maps, (height // CELL_PX, width // CELL_PX)))
        joined = self.joined_norm(self.joined(torch.cat(levels, dim=1)))
        return self.out(functional.relu(joined))


def of_each_channel(features: int) -> nn.GroupNorm:
    """Return the norm of each channel by itself (InstanceNorm), which learns nothing."""
    return nn.GroupNorm(features, features, affine=False)
