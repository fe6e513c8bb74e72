# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The network of Video Depth Anything, for one image of a video after the other.

It remembers nothing itself: what it keeps of an image is an output, what it kept of the images
before an input. So any backend can run it.
"""

from collections.abc import Sequence

from depth_refiner_ros.priors import dpt
from depth_refiner_ros.priors.depth_anything_3_network import Architecture
from depth_refiner_ros.priors.depth_anything_v2_network import HeadLayers
from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
from depth_refiner_ros.priors.video_depth_anything_motion import ATTENTIONS, Motion
import torch
from torch import nn

MOTIONS = 4
"""Modules in the head: on its third and fourth level, and on what the two are fused to."""


class VideoHead(HeadLayers):
    """
    The head of Depth Anything V2, with attentions over the images of a video.

    :param tokens: features of a token
    :param levels: features of the four levels, from the finest
    :param features: of the fusion
    """

    def __init__(self, *, tokens: int, levels: Sequence[int], features: int) -> None:
        super().__init__(tokens=tokens, levels=levels, features=features)
        self.motions = nn.ModuleList(Motion(width) for width in (*levels[-2:], features, features))

    def forward(
        self,
        tokens: Sequence[torch.Tensor],
        grid: dpt.Size,
        size: dpt.Size,
        past: Sequence[torch.Tensor],
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """
        Return depth, fp32, and what the attentions keep.

        :param tokens: ``tokens_BNC`` of four blocks, from the earliest
        :param grid: rows and columns of patches
        :param size: of the network's input
        :param past: see :meth:`VideoDepthAnythingNetwork.forward`
        """
        levels = [
            resize(project(one.transpose(1, 2).unflatten(-1, grid)))
            for one, project, resize in zip(tokens, self.projections, self.resizers, strict=True)
        ]
        kept: list[torch.Tensor] = []

        def moved(index: int, maps: torch.Tensor) -> torch.Tensor:
            own = past[index * ATTENTIONS : (index + 1) * ATTENTIONS]
            maps, now = self.motions[index](maps, own)
            kept.extend(now)
            return maps

        levels[2], levels[3] = moved(0, levels[2]), moved(1, levels[3])
        maps = [entry(level) for entry, level in zip(self.entries, levels, strict=True)]
        sizes = dpt.sizes_after(maps)
        fused = moved(2, self.fusions[3](maps[3], None, sizes[3]))
        fused = moved(3, self.fusions[2](maps[2], fused, sizes[2]))
        for index in (1, 0):
            fused = self.fusions[index](maps[index], fused, sizes[index])
        return self.finished(fused, size), kept


class VideoDepthAnythingNetwork(nn.Module):
    """
    Maps pixels of an image, and what was kept of those before, to depth and what is kept of it.

    :param architecture: its shape
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        one = architecture
        self.architecture = one
        self.encoder = Dinov2(one.width, one.layers, one.heads, one.taps)
        self.head = VideoHead(tokens=one.width, levels=one.levels, features=one.features)

    def forward(self, pixels_B3hw: torch.Tensor, *past: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """
        Predict.

        :param pixels_B3hw: with ImageNet's mean and deviation; sides are multiples of 14
        :param past: of each of the attentions, ``kept_BTNC`` of the images before, in the order
            of time; none for the first image of a video
        :return: ``depth_B1hw`` >= 0, then of each attention ``kept_BNC`` of this image
        """
        size = dpt.size_of(pixels_B3hw)
        grid = size[0] // PATCH_PX, size[1] // PATCH_PX
        tokens = [with_first[:, 1:] for with_first in self.encoder(pixels_B3hw)]
        depth, kept = self.head(tokens, grid, size, past)
        return depth, *kept
