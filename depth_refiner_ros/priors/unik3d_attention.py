# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The attention block of UniK3D's heads."""

import torch
from torch import nn
from torch.nn import functional

HEADS = 8
EXPANSION = 4


class Hidden(nn.Module):
    """
    A norm, then two linear layers.

    :param width: of its input
    :param expansion: width of the hidden features over that of the input
    :param outputs: width of its output; 0 for that of the input
    """

    def __init__(self, width: int, *, expansion: int = EXPANSION, outputs: int = 0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, expansion * width)
        self.out = nn.Linear(expansion * width, outputs or width)

    def forward(self, tokens_BNC: torch.Tensor) -> torch.Tensor:
        """Return as many tokens."""
        return self.out(functional.gelu(self.wide(self.norm(tokens_BNC))))


class Attention(nn.Module):
    """
    Attention to tokens of its own or of a context, then linear layers, both added.

    :param width: features of a token
    :param scaled: multiply both by learnt factors before they are added
    """

    def __init__(self, width: int, *, scaled: bool) -> None:
        super().__init__()
        self.query_norm, self.context_norm = (nn.LayerNorm(width) for _ in range(2))
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.hidden = Hidden(width)
        self.scale1, self.scale2 = (
            nn.Parameter(torch.ones(width)) if scaled else None for _ in range(2)
        )

    def forward(
        self,
        tokens_BNC: torch.Tensor,
        context_BMC: torch.Tensor | None = None,
        *,
        places: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """
        Return as many tokens.

        :param context_BMC: attended to; None for the tokens themselves
        :param places: ``places_1NC``, added to the queries alone
        """
        context_BMC = tokens_BNC if context_BMC is None else context_BMC
        query = self.query(self.query_norm(tokens_BNC))
        query = query if places is None else query + places
        key, value = self.key_value(self.context_norm(context_BMC)).chunk(2, dim=-1)
        query, key, value = (
            one.unflatten(2, (HEADS, -1)).transpose(1, 2) for one in (query, key, value)
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        mixed = self.out(mixed.transpose(1, 2).flatten(2))
        tokens_BNC = tokens_BNC + (mixed if self.scale1 is None else self.scale1 * mixed)
        hidden = self.hidden(tokens_BNC)
        return tokens_BNC + (hidden if self.scale2 is None else self.scale2 * hidden)
