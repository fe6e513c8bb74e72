# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The motion modules of Video Depth Anything (arXiv 2501.12375, section 3.1): attention over time.

Each place of a map attends to the same place in the images before, which are present only as
what the attentions kept of them. An image's position in time is that within the window, not that
in the video, so it changes from image to image, and keys and values are computed anew.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

HEADS, GROUPS = 8, 32
ATTENTIONS = 2
"""In each module, one after the other."""
WINDOW = 32
"""Images that one attention sees, the newest among them."""
LONGEST_WAVE = 10_000.0
GROUP_EPSILON = 1e-6


def positions(count: int, width: int, like: torch.Tensor) -> torch.Tensor:
    """Return sines and cosines, in turn, of the first positions in time, ``positions_T1C``."""
    at_T = torch.arange(count, device=like.device, dtype=torch.float32)
    channels = torch.arange(0, width, 2, device=like.device, dtype=torch.float32)
    phase = at_T[:, None] * LONGEST_WAVE ** (-channels / width)
    return torch.stack((phase.sin(), phase.cos()), dim=-1).reshape(count, 1, width).to(like.dtype)


class TimeAttention(nn.Module):
    """Attention of the newest image, at each place, to the window that ends with it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, window_BTNC: torch.Tensor) -> torch.Tensor:
        """Return ``mixed_BNC``; the newest image is the last of the window."""
        count, _, width = window_BTNC.shape[1:]
        placed = window_BTNC + positions(count, width, window_BTNC)
        query, key, value = (
            _by_place(part)
            for part in (self.query(placed[:, -1:]), self.key(placed), self.value(placed))
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.out(mixed.reshape(len(window_BTNC), -1, width))


def _by_place(features_BTNC: torch.Tensor) -> torch.Tensor:
    """Return the heads of each place as a batch, ``(B N) H T C/H``."""
    return features_BTNC.unflatten(-1, (HEADS, -1)).permute(0, 2, 3, 1, 4).flatten(0, 1)


class Motion(nn.Module):
    """
    Two attentions over time and a gated layer, added to their input.

    :param width: features of a place
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width, GROUP_EPSILON)
        self.enter = nn.Linear(width, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(ATTENTIONS))
        self.attentions = nn.ModuleList(TimeAttention(width) for _ in range(ATTENTIONS))
        self.last_norm = nn.LayerNorm(width)
        self.gated = nn.Linear(width, 8 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.leave = nn.Linear(width, width)

    def forward(
        self, maps_BChw: torch.Tensor, past: Sequence[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """
        Return maps of the same size, and what each attention keeps of this image.

        :param past: of each attention, ``kept_BTNC`` of images before; empty for the first
        :return: maps and ``kept_BNC`` of each attention
        """
        places = self.enter(self.norm(maps_BChw).flatten(2).transpose(1, 2))
        kept = []
        for index, (norm, attention) in enumerate(zip(self.norms, self.attentions, strict=True)):
            now = norm(places)
            kept.append(now)
            window = now[:, None]
            if past:
                window = torch.cat((past[index].to(now.dtype), window), dim=1)
            places = places + attention(window)
        value, gate = self.gated(self.last_norm(places)).chunk(2, dim=-1)
        places = places + self.narrow(value * functional.gelu(gate))
        added = self.leave(places).transpose(1, 2).unflatten(-1, maps_BChw.shape[-2:])
        return maps_BChw + added, kept
