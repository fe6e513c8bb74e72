# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
DINOv3 (arXiv 2508.10104) as an encoder: the normalised tokens of its last layer.

Its layers are those of DINOv2; instead of positions that are added, queries and keys of patches
are rotated by the place of the patch in the image, from -1 to 1 on both axes (section 3.2), and
four more tokens, the registers, take part in the attention.

transformers has this network, too, and a test compares both. It is not used here because it keeps
the places of patches from one call to the next: those of a run that counts operations, or that a
CUDA graph recorded, would come back in another.
"""

import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors.dinov2 import Layer
from depth_refiner_ros.priors.rotary import Turn, turn_by
import torch
from torch import nn

PATCH_PX = 16
REGISTERS = 4
EPSILON = 1e-5
"""Of all its norms."""


class Dinov3(nn.Module):
    """
    The encoder.

    :param width: features of a token
    :param layers: their number
    :param heads: of each layer's attention
    """

    def __init__(self, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, PATCH_PX, PATCH_PX)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.registers = nn.Parameter(torch.zeros(1, REGISTERS, width))
        # Kept with the weights, as they may have been rounded in training.
        self.periods = nn.Parameter(torch.ones(width // heads // 4))
        self.layers = nn.ModuleList(Layer(width, heads, epsilon=EPSILON) for _ in range(layers))
        self.norm = nn.LayerNorm(width, EPSILON)

    def forward(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """
        Encode images.

        :param pixels_B3hw: normalised as for ImageNet
        :return: ``tokens_BNC``, one of each patch, by rows
        :raises InputError: if a side is not a multiple of 16
        """
        height, width = pixels_B3hw.shape[-2:]
        if height % PATCH_PX or width % PATCH_PX:
            raise InputError(f'{width} x {height} pixels are no multiples of {PATCH_PX}')
        patches = self.patches(pixels_B3hw).flatten(2).transpose(1, 2)
        alone = [one.expand(len(patches), -1, -1) for one in (self.first, self.registers)]
        tokens, turn = torch.cat((*alone, patches), dim=1), self._turn(height, width)
        for layer in self.layers:
            tokens = layer(tokens, turn)
        return self.norm(tokens[:, 1 + REGISTERS :])

    def _turn(self, height: int, width: int) -> Turn:
        """Return the rotations: none of the tokens that are no patches, and have no place."""
        down, right = (
            (torch.arange(0.5, count, device=self.periods.device) / count * 2.0 - 1.0)
            for count in (height // PATCH_PX, width // PATCH_PX)
        )
        places = torch.stack(torch.meshgrid(down, right, indexing='ij'), dim=-1).flatten(0, 1)
        angles = 2.0 * math.pi * places[..., None] / self.periods
        return turn_by(torch.cat((angles.new_zeros(1 + REGISTERS, *angles.shape[1:]), angles)))
