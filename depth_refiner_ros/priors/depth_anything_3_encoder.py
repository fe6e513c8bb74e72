# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The encoder of Depth Anything 3 for a single view: DINOv2, with additions in the any-view models.

From block ``views_from`` on, the any-view models normalise queries and keys per head, rotate them
by the token's place (RoPE in two dimensions), replace the class token by one for the camera, and
let every second block attend among all tokens of all views. With one view such a block sees the
same tokens as any other; what remains is that it rotates all patches by the same angle.
"""

from collections.abc import Sequence

from depth_refiner_ros.priors.dinov2 import OFFICIAL_OFFSET, resampled_positions
import torch
from torch import nn
from torch.nn import functional

PATCH = 14
TRAINED_SIDE = 37
"""Patches per side of the images that DINOv2's positions were learnt from, 518 px."""
ROTATION_BASE = 100.0
BLOCK_EPS = 1e-6
"""Of the blocks; all other norms of these networks have torch's default, 1e-5."""

Turn = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines by token, axis (down, right) and frequency."""


def turn_of(places_N2: torch.Tensor, frequencies: int) -> Turn:
    """Return the angles by which tokens at these rows and columns are rotated."""
    steps = torch.arange(frequencies, device=places_N2.device) / frequencies
    angles_N2f = places_N2[..., None] * ROTATION_BASE**-steps
    return angles_N2f.cos(), angles_N2f.sin()


def turned(features_BhNd: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Rotate pairs of features: the first half by the token's row, the second by its column."""
    cos_N2f, sin_N2f = turn
    pairs = features_BhNd.unflatten(-1, (2, 2, -1))
    one, other = pairs[..., 0, :], pairs[..., 1, :]
    rotated = (one * cos_N2f - other * sin_N2f, other * cos_N2f + one * sin_N2f)
    return torch.stack(rotated, dim=-2).flatten(-3)


class Attention(nn.Module):
    """
    Attention among all tokens.

    :param width: features of a token
    :param heads: must divide it
    :param normed: normalise queries and keys per head
    """

    def __init__(self, width: int, heads: int, *, normed: bool) -> None:
        super().__init__()
        self.heads = heads
        self.joint = nn.Linear(width, 3 * width)
        self.query_norm = nn.LayerNorm(width // heads) if normed else nn.Identity()
        self.key_norm = nn.LayerNorm(width // heads) if normed else nn.Identity()
        self.out = nn.Linear(width, width)

    def forward(self, tokens_BNC: torch.Tensor, turn: Turn | None) -> torch.Tensor:
        """Return what each token takes from the others."""
        joint_BN3hd = self.joint(tokens_BNC).unflatten(-1, (3, self.heads, -1))
        query, key, value = joint_BN3hd.permute(2, 0, 3, 1, 4)
        query, key = self.query_norm(query), self.key_norm(key)
        if turn is not None:
            query, key = turned(query, turn), turned(key, turn)
        taken = functional.scaled_dot_product_attention(query, key, value)
        return self.out(taken.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then a layer four times as wide; each is scaled and added to the tokens."""

    def __init__(self, width: int, heads: int, *, normed: bool) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=BLOCK_EPS)
        self.attention = Attention(width, heads, normed=normed)
        self.attention_gain = nn.Parameter(torch.ones(width))
        self.mixing_norm = nn.LayerNorm(width, eps=BLOCK_EPS)
        self.widen = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.mixing_gain = nn.Parameter(torch.ones(width))

    def forward(self, tokens_BNC: torch.Tensor, turn: Turn | None) -> torch.Tensor:
        """Return the tokens after this block."""
        taken = self.attention(self.attention_norm(tokens_BNC), turn)
        tokens_BNC = tokens_BNC + self.attention_gain * taken
        mixed = self.narrow(functional.gelu(self.widen(self.mixing_norm(tokens_BNC))))
        return tokens_BNC + self.mixing_gain * mixed


class Encoder(nn.Module):
    """
    Maps pixels to the tokens of their patches after some of the blocks.

    :param width: features of a token
    :param heads: of each attention
    :param blocks: number of them
    :param taps: indices of the blocks whose tokens are returned
    :param views_from: index of the first block of the any-view kind, see above; None for none
    """

    def __init__(
        self, *, width: int, heads: int, blocks: int, taps: Sequence[int], views_from: int | None
    ) -> None:
        super().__init__()
        self.taps, self.views_from = tuple(taps), views_from
        self.frequencies = width // heads // 4
        self.patches = nn.Conv2d(3, width, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        if views_from is not None:
            # One for the view that sets the frame, which a single view does, one for the others.
            self.camera_tokens = nn.Parameter(torch.zeros(1, 2, width))
        self.positions = nn.Parameter(torch.zeros(1, TRAINED_SIDE**2 + 1, width))
        self.blocks = nn.ModuleList(
            Block(width, heads, normed=self._of_views(index)) for index in range(blocks)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, pixels_B3hw: torch.Tensor) -> list[torch.Tensor]:
        """
        Return the patches' tokens at each tap, row by row.

        :param pixels_B3hw: normalised; sides are multiples of :data:`PATCH`
        :return: ``tokens_BNC``; from any-view blocks twice as wide: of the latest block within
            the view, then of this block, normalised
        """
        patches_BChw = self.patches(pixels_B3hw)
        grid = patches_BChw.shape[-2], patches_BChw.shape[-1]
        batch = len(pixels_B3hw)
        tokens = patches_BChw.flatten(2).transpose(1, 2)
        tokens = torch.cat((self.class_token.expand(batch, -1, -1), tokens), dim=1)
        tokens = tokens + resampled_positions(self.positions, grid, OFFICIAL_OFFSET)
        by_place, by_view = self._turns(grid, pixels_B3hw)
        within_view, found = tokens, []
        for index, block in enumerate(self.blocks):
            among_views = self._of_views(index) and index % 2 == 1
            if index == self.views_from:
                camera = self.camera_tokens[:, :1].expand(batch, -1, -1)
                tokens = torch.cat((camera.to(tokens.dtype), tokens[:, 1:]), dim=1)
            turn = by_view if among_views else by_place
            tokens = block(tokens, turn if self._of_views(index) else None)
            if not among_views:
                within_view = tokens
            if index in self.taps:
                normed = self.norm(tokens)
                if self.views_from is not None:
                    normed = torch.cat((within_view, normed), dim=-1)
                found.append(normed[:, 1:])
        return found

    def _of_views(self, index: int) -> bool:
        return self.views_from is not None and index >= self.views_from

    def _turns(self, grid: tuple[int, int], like: torch.Tensor) -> tuple[Turn, Turn]:
        """Return the rotations by place and by view; the class token is at 0 in both."""
        down, right = (torch.arange(1.0, count + 1.0, device=like.device) for count in grid)
        places = torch.stack(torch.meshgrid(down, right, indexing='ij'), dim=-1).flatten(0, 1)
        first = torch.zeros_like(places[:1])
        by_place, by_view = (
            turn_of(torch.cat((first, rest)), self.frequencies)
            for rest in (places, torch.ones_like(places))
        )
        return by_place, by_view
