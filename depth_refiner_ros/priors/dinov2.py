# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
DINOv2 (arXiv 2304.07193) as an encoder: the normalised outputs of some of its layers.

Its weights keep these names whatever transformers is installed, whose own have changed.
"""

import math
from typing import Any

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.priors.rotary import Turn, turned
import torch
from torch import nn
from torch.nn import functional

PATCH_PX = 14
LEARNT_SIDE = 37
"""Patches along each side of the images whose positions it has learnt: 518 x 518."""
OFFICIAL_OFFSET = 0.1
"""Added by DINOv2's own code to the patches of each side before it resamples positions."""
EPSILON = 1e-6


class SelfAttention(nn.Module):
    """
    Attention among tokens, as a part of a layer.

    :param width: features of a token
    :param heads: of the attention
    :param normed_heads: normalise queries and keys per head, as DINOv2 itself does not
    """

    def __init__(self, width: int, heads: int, *, normed_heads: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.query_norm, self.key_norm = (
            nn.LayerNorm(width // heads) if normed_heads else nn.Identity() for _ in range(2)
        )
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def attended(
        self,
        tokens_BNC: torch.Tensor,
        turn: Turn | None = None,
        *,
        places_BNC: torch.Tensor | None = None,
        seen_B11N: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """
        Return what each token takes from all; DINOv2 itself has nothing beside them.

        :param tokens_BNC: normalised
        :param turn: rotation of queries and keys
        :param places_BNC: added to queries and keys before their norms
        :param seen_B11N: bool, the tokens that others attend to; None for all
        """
        query, key, value = map(self._by_head, self.qkv(tokens_BNC).chunk(3, dim=2))
        if places_BNC is not None:
            places = self._by_head(places_BNC)
            query, key = query + places, key + places
        query, key = self.query_norm(query), self.key_norm(key)
        if turn is not None:
            query, key = turned(query, turn), turned(key, turn)
        mixed = functional.scaled_dot_product_attention(query, key, value, seen_B11N)
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _by_head(self, features_BNC: torch.Tensor) -> torch.Tensor:
        return features_BNC.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Layer(SelfAttention):
    """
    One transformer layer: attention, then two linear layers, each scaled and added.

    :param width: features of a token
    :param heads: of the attention
    :param normed_heads: see :class:`SelfAttention`
    :param epsilon: of its norms
    """

    def __init__(
        self, width: int, heads: int, *, normed_heads: bool = False, epsilon: float = EPSILON
    ) -> None:
        super().__init__(width, heads, normed_heads=normed_heads)
        self.norm1 = nn.LayerNorm(width, epsilon)
        self.scale1 = nn.Parameter(torch.ones(width))
        self.norm2 = nn.LayerNorm(width, epsilon)
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)
        self.scale2 = nn.Parameter(torch.ones(width))

    def forward(
        self,
        tokens_BNC: torch.Tensor,
        turn: Turn | None = None,
        *,
        places_BNC: torch.Tensor | None = None,
        seen_B11N: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """
        Map tokens to tokens.

        :param turn: see :meth:`SelfAttention.attended`, as for the others
        """
        normed = self.norm1(tokens_BNC)
        attended = self.attended(normed, turn, places_BNC=places_BNC, seen_B11N=seen_B11N)
        tokens_BNC = tokens_BNC + self.scale1 * attended
        hidden = functional.gelu(self.fc1(self.norm2(tokens_BNC)))
        return tokens_BNC + self.scale2 * self.fc2(hidden)


class Dinov2(nn.Module):
    """
    The encoder.

    :param width: features of a token
    :param layers: their number
    :param heads: of each layer's attention
    :param taps: layers, counted from 0, whose outputs are wanted
    :param epsilon: of the norms in its layers
    :param last_epsilon: of the norm of outputs
    :param offset: of the resampling of positions, see :func:`resampled_positions`
    :param channels: of its input
    """

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        taps: tuple[int, ...],
        *,
        epsilon: float = EPSILON,
        last_epsilon: float = EPSILON,
        offset: float = OFFICIAL_OFFSET,
        channels: int = 3,
    ) -> None:
        super().__init__()
        self.taps, self.offset = taps, offset
        self.patches = nn.Conv2d(channels, width, PATCH_PX, PATCH_PX)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + LEARNT_SIDE**2, width))
        self.layers = nn.ModuleList(Layer(width, heads, epsilon=epsilon) for _ in range(layers))
        self.norm = nn.LayerNorm(width, last_epsilon)

    def forward(self, pixels_B3hw: torch.Tensor) -> list[torch.Tensor]:
        """
        Encode images.

        :param pixels_B3hw: normalised as for ImageNet
        :return: of each tap, ``tokens_BNC``: the class token and one of each patch
        :raises InputError: if a side is not a multiple of 14
        """
        tokens = self.embedded(pixels_B3hw)
        tapped = []
        for index, layer in enumerate(self.layers):
            tokens = layer(tokens)
            if index in self.taps:
                tapped.append(self.norm(tokens))
        return tapped

    def embedded(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """Return the tokens before the first layer, with their positions; see :meth:`forward`."""
        height, width = pixels_B3hw.shape[-2:]
        if height % PATCH_PX or width % PATCH_PX:
            raise InputError(f'{width} x {height} pixels are no multiples of {PATCH_PX}')
        tokens = self.patches(pixels_B3hw).flatten(2).transpose(1, 2)
        tokens = torch.cat((self.first.expand(len(tokens), -1, -1), tokens), dim=1)
        grid = height // PATCH_PX, width // PATCH_PX
        return tokens + resampled_positions(self.positions, grid, self.offset)


def resampled_positions(
    table_1NC: torch.Tensor, grid: tuple[int, int], offset: float
) -> torch.Tensor:
    """
    Return positions for a grid of patches, as DINOv2's own code resamples them.

    That code requests a tenth of a patch too many, so that rounding never gives one too few;
    this also changes the scale of the resampling. At the size of the training nothing is
    resampled.

    :param table_1NC: of the class token, then of a square of patches
    :param grid: rows and columns
    :param offset: in patches; 0 as in code that names the size instead
    """
    side = math.isqrt(table_1NC.shape[1] - 1)
    if grid == (side, side):
        return table_1NC
    square = table_1NC[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    wanted: dict[str, Any] = {'size': grid}
    if offset:
        wanted = {'scale_factor': tuple((count + offset) / side for count in grid)}
    resampled = functional.interpolate(square.float(), **wanted, mode='bicubic')
    return torch.cat((table_1NC[:, :1], resampled.flatten(2).transpose(1, 2)), dim=1)
