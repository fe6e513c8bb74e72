# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Both networks of Prior Depth Anything (arXiv 2505.10565), which predict disparity.

The first is Depth Anything V2; the second has the same shape, and sees a condition beside the
image.
"""

from collections.abc import Sequence

from depth_refiner_ros.priors import dpt
from depth_refiner_ros.priors.depth_anything_3_network import Architecture
from depth_refiner_ros.priors.depth_anything_v2_network import HeadLayers
from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
import torch
from torch import nn

CONDITIONS = 3
"""Maps of the condition: where depth was measured, and disparity by two alignments."""


class DisparityHead(HeadLayers):
    """Maps the tokens of four blocks to disparity at the network's input size."""

    def forward(
        self, tokens: Sequence[torch.Tensor], grid: dpt.Size, size: dpt.Size
    ) -> torch.Tensor:
        """
        Return ``disparity_B1hw`` >= 0, fp32.

        :param tokens: ``tokens_BNC`` of four blocks, from the earliest
        :param grid: rows and columns of patches
        :param size: of the network's input
        """
        levels = [
            entry(resize(project(one.transpose(1, 2).unflatten(-1, grid))))
            for one, project, resize, entry in zip(
                tokens, self.projections, self.resizers, self.entries, strict=True
            )
        ]
        *finer, coarsest = zip(levels, self.fusions, dpt.sizes_after(levels), strict=True)
        level, fusion, bigger = coarsest
        fused = fusion(level, None, bigger)
        for level, fusion, bigger in reversed(finer):
            fused = fusion(level, fused, bigger)
        return self.finished(fused, size)


class DisparityNetwork(nn.Module):
    """
    Maps pixels, and a condition if it takes one, to disparity at the same size.

    :param architecture: its shape
    :param conditioned: whether it takes a condition
    """

    def __init__(self, architecture: Architecture, *, conditioned: bool) -> None:
        super().__init__()
        one = architecture
        # The authors add a convolution of the condition to that of the image: one of both.
        channels = 3 + CONDITIONS if conditioned else 3
        self.encoder = Dinov2(one.width, one.layers, one.heads, one.taps, channels=channels)
        self.head = DisparityHead(tokens=one.width, levels=one.levels, features=one.features)

    def forward(
        self, pixels_B3hw: torch.Tensor, condition_B3hw: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Predict.

        :param pixels_B3hw: with ImageNet's mean and deviation; sides are multiples of 14
        :param condition_B3hw: of the same size
        :return: ``disparity_B1hw`` >= 0, fp32
        """
        seen = pixels_B3hw
        if condition_B3hw is not None:
            seen = torch.cat((pixels_B3hw, condition_B3hw.to(pixels_B3hw.dtype)), dim=1)
        size = dpt.size_of(seen)
        grid = size[0] // PATCH_PX, size[1] // PATCH_PX
        return self.head([tokens[:, 1:] for tokens in self.encoder(seen)], grid, size)


class PriorDepthAnythingNetworks(nn.Module):
    """
    Both networks, as a folder of weights holds them.

    :param relative: shape of the Depth Anything V2
    :param fine: shape of the conditioned network
    """

    def __init__(self, relative: Architecture, fine: Architecture) -> None:
        super().__init__()
        self.relative = DisparityNetwork(relative, conditioned=False)
        self.fine = DisparityNetwork(fine, conditioned=True)
