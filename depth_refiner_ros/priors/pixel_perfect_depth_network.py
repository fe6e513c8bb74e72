# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The transformer of Pixel-Perfect Depth (arXiv 2510.07316): the velocity of depth on pixels.

The first half of its layers sees patches of 16 x 16 pixels. Then each token meets the semantic
features of its patch and becomes four, for the other half, on patches of 8 x 8. Time and nothing
else scales and shifts the tokens of each layer (DiT, arXiv 2212.09748).
"""

from dataclasses import dataclass
import math

from depth_refiner_ros.priors.dinov2 import SelfAttention
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.rotary import places_of, Turn, turn_of
from depth_refiner_ros.priors.transformers_model import InFloat32
import torch
from torch import nn
from torch.nn import functional

COARSE_PX, FINE_PX = 16, 8
"""Sides of the patches of both halves."""
INPUTS = 4
"""Depth and three colors."""
EPSILON = 1e-6
TIME_FEATURES, LONGEST_PERIOD = 256, 10_000.0


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """
    Shape of the transformer.

    :param width: features of a token
    :param heads: of each layer's attention
    :param layers: of both halves together
    :param semantics: features of the semantic tokens
    """

    width: int
    heads: int
    layers: int
    semantics: int


ARCHITECTURES = {'large': Architecture(width=1024, heads=16, layers=24, semantics=1024)}
"""Name to the transformer's shape; only one is published."""


class TimedLayer(SelfAttention):
    """One layer: attention, then two linear layers, scaled and shifted by the time."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__(width, heads, normed_heads=True)
        self.norm = nn.LayerNorm(width, EPSILON, elementwise_affine=False)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.modulation = nn.Linear(width, 6 * width)

    def forward(
        self, tokens_BNC: torch.Tensor, time_11C: torch.Tensor, turn: Turn
    ) -> torch.Tensor:
        """Map tokens to tokens."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(time_11C).chunk(6, dim=2)
        seen = modulated(self.norm(tokens_BNC), shift1, scale1)
        tokens_BNC = tokens_BNC + gate1 * self.attended(seen, turn)
        seen = modulated(self.norm(tokens_BNC), shift2, scale2)
        hidden = functional.gelu(self.fc1(seen), approximate='tanh')
        return tokens_BNC + gate2 * self.fc2(hidden)


class VelocityNetwork(nn.Module):
    """
    Predicts how depth changes with time, from noise (later) to depth (earlier).

    :param architecture: its shape
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.width
        self.frequencies = width // architecture.heads // 4
        self.patches = nn.Conv2d(INPUTS, width, COARSE_PX, COARSE_PX)
        self.time = nn.Sequential(
            nn.Linear(TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width)
        )
        self.layers = nn.ModuleList(
            TimedLayer(width, architecture.heads) for _ in range(architecture.layers)
        )
        self.fusion = nn.Sequential(
            nn.Linear(width + architecture.semantics, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, 4 * width),
        )
        self.norm = nn.LayerNorm(width, EPSILON, elementwise_affine=False)
        self.modulation = nn.Linear(width, 2 * width)
        # In half precision the last layer would quantise depth.
        self.last = InFloat32(nn.Linear(width, FINE_PX**2))

    def forward(
        self,
        depth_B1hw: torch.Tensor,
        color_B3hw: torch.Tensor,
        semantics_BNC: torch.Tensor,
        time_1F: torch.Tensor,
    ) -> torch.Tensor:
        """
        Predict.

        :param depth_B1hw: noise and depth mixed; sides are multiples of 16
        :param color_B3hw: from -0.5 to 0.5
        :param semantics_BNC: one token of each patch of 16 x 16, of unit length
        :param time_1F: from :func:`time_features`
        :return: ``velocity_B1hw``, fp32
        """
        rows, columns = (side // COARSE_PX for side in size_of(depth_B1hw))
        time = functional.silu(self.time(time_1F))[:, None]
        tokens = self.patches(torch.cat((depth_B1hw, color_B3hw), dim=1))
        tokens = tokens.flatten(2).transpose(1, 2)
        half = len(self.layers) // 2
        tokens = self._through(self.layers[:half], tokens, time, (rows, columns))
        prompted = self.fusion(torch.cat((tokens, semantics_BNC.to(tokens.dtype)), dim=2))
        tokens = spread(prompted, (rows, columns), 2).flatten(1, 2)
        rows, columns = 2 * rows, 2 * columns
        tokens = self._through(self.layers[half:], tokens, time, (rows, columns))
        shift, scale = self.modulation(time).chunk(2, dim=2)
        pixels = self.last(modulated(self.norm(tokens), shift, scale))
        return spread(pixels, (rows, columns), FINE_PX).permute(0, 3, 1, 2)

    def _through(
        self, layers: nn.ModuleList, tokens_BNC: torch.Tensor, time: torch.Tensor, grid: Size
    ) -> torch.Tensor:
        turn = turn_of(places_of(*grid, device=tokens_BNC.device), self.frequencies)
        for layer in layers:
            tokens_BNC = layer(tokens_BNC, time, turn)
        return tokens_BNC


def modulated(
    tokens_BNC: torch.Tensor, shift_11C: torch.Tensor, scale_11C: torch.Tensor
) -> torch.Tensor:
    """Return tokens that are scaled and shifted, by a scale of 0 and a shift of 0 not at all."""
    return tokens_BNC * (1.0 + scale_11C) + shift_11C


def spread(tokens_BNC: torch.Tensor, grid: Size, side: int) -> torch.Tensor:
    """
    Split each token into a square of tokens.

    :param grid: rows and columns of the tokens
    :param side: of the square
    :return: ``tokens_Bhwc``, of side times as many rows and columns and fewer features
    """
    squares = tokens_BNC.unflatten(2, (side, side, -1)).unflatten(1, grid)
    return squares.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def time_features(time: float, like: torch.Tensor) -> torch.Tensor:
    """
    Return cosines and sines of a time, ``time_1F``, on the device of a tensor.

    They reach the network instead of the time itself, which half precision would round.
    """
    half = TIME_FEATURES // 2
    steps = torch.arange(half, dtype=torch.float32, device=like.device)
    angles = time * torch.exp(-math.log(LONGEST_PERIOD) * steps / half)
    return torch.cat((angles.cos(), angles.sin()))[None]
