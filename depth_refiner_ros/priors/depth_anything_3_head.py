# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The head of Depth Anything 3: a dense prediction transformer (DPT) on the encoder's tokens.

The any-view models add features of each pixel's place to the maps and predict depth with its
confidence; their second branch, for viewing rays, is not needed and not built. The others predict
depth and whether a pixel is sky.
"""

from collections.abc import Sequence

from depth_refiner_ros.priors import dpt
from depth_refiner_ros.priors.dpt import enlarged, Size, size_of
from depth_refiner_ros.priors.transformers_model import InFloat32
import torch
from torch import nn
from torch.nn import functional

HIDDEN = 32
PLACE_BASE, PLACE_GAIN = 100.0, 0.1


def place_features(channels: int, size: Size, aspect: float, device: torch.device) -> torch.Tensor:
    """
    Return sines and cosines of each pixel's place, first by columns, then by rows.

    :param channels: a multiple of 4
    :param size: of the map; coordinates run over its pixel centres
    :param aspect: columns / rows of the network's input, whose half diagonal is 1
    :return: ``features_1CHW``
    """
    steps = torch.arange(channels // 4, device=device, dtype=torch.float32) / (channels // 4)
    diagonal = (aspect**2 + 1.0) ** 0.5

    def waves(span: float, count: int) -> torch.Tensor:
        end = span * (count - 1) / count
        places = torch.linspace(-end, end, count, device=device)
        phase = PLACE_BASE ** -steps[:, None] * places
        return PLACE_GAIN * torch.cat((phase.sin(), phase.cos()))

    rows, columns = size
    across = waves(aspect / diagonal, columns)[:, None].expand(-1, rows, -1)
    down = waves(1.0 / diagonal, rows)[..., None].expand(-1, -1, columns)
    return torch.cat((across, down))[None]


class Head(nn.Module):
    """
    Maps the tokens of four blocks to depth and a second map, at the network's input size.

    :param tokens: features of a token
    :param levels: features of the four levels, from the finest
    :param features: of the fusion
    :param with_places: whether this is the head of an any-view model, see above
    """

    def __init__(
        self, *, tokens: int, levels: Sequence[int], features: int, with_places: bool
    ) -> None:
        super().__init__()
        self.with_places = with_places
        self.norm = nn.LayerNorm(tokens) if with_places else nn.Identity()
        self.projections = dpt.projections(tokens, levels)
        self.resizers = dpt.resizers(levels)
        self.entries = dpt.entries(levels, features)
        self.fusions = dpt.fusions(len(levels), features)
        self.narrow = nn.Conv2d(features, features // 2, 3, padding=1)
        self.depth_hidden = nn.Conv2d(features // 2, HIDDEN, 3, padding=1)
        self.depth_out = InFloat32(nn.Conv2d(HIDDEN, 2 if with_places else 1, 1))
        if not with_places:
            self.sky_hidden = nn.Conv2d(features // 2, HIDDEN, 3, padding=1)
            self.sky_out = InFloat32(nn.Conv2d(HIDDEN, 1, 1))

    def forward(
        self, tokens: Sequence[torch.Tensor], grid: Size, size: Size
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Return depth and a second map, both fp32 and at the input's size.

        :param tokens: ``tokens_BNC`` of four blocks, from the earliest
        :param grid: rows and columns of patches
        :param size: of the network's input
        :return: ``depth_B1hw`` > 0 and, of any-view models, ``confidence_B1hw`` >= 1, else
            ``sky_B1hw`` >= 0
        """
        aspect = size[1] / size[0]
        levels = [
            entry(resize(self._placed(project(self._map(one, grid)), aspect)))
            for one, project, resize, entry in zip(
                tokens, self.projections, self.resizers, self.entries, strict=True
            )
        ]
        fused = None
        steps = zip(levels, self.fusions, dpt.sizes_after(levels), strict=True)
        for level, fusion, bigger in reversed(list(steps)):
            fused = fusion(level, fused, bigger)
        maps = self._placed(enlarged(self.narrow(fused), size), aspect)
        depth = self.depth_out(functional.relu(self.depth_hidden(maps)))
        if self.with_places:
            return depth[:, :1].exp(), depth[:, 1:].exp() + 1.0
        return depth.exp(), self.sky_out(functional.relu(self.sky_hidden(maps))).relu()

    def _map(self, tokens_BNC: torch.Tensor, grid: Size) -> torch.Tensor:
        return self.norm(tokens_BNC).transpose(1, 2).unflatten(-1, grid)

    def _placed(self, maps: torch.Tensor, aspect: float) -> torch.Tensor:
        if not self.with_places:
            return maps
        added = place_features(maps.shape[1], size_of(maps), aspect, maps.device)
        return maps + added.to(maps.dtype)
