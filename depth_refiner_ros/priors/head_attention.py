# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The attention of UniDepth v1, which its package expects in xformers but no longer exists."""

import math

import torch
from torch import nn


class HeadAttention(nn.Module):
    """
    What UniDepth v1 really computes as its Nystrom attention: exact attention among heads.

    Its blocks pass queries, keys and values as (batch, pixels, heads, features), and the
    attention of xformers takes the last axis but one as the sequence. So the heads of a pixel
    attend to each other, 4 at 1/8 of the resolution and 2 at 1/4, and pixels never interact.
    Nystrom's method (Xiong et al. 2021) approximates a sequence by fewer landmarks; 128 landmarks
    are more than 4 heads, in which case xformers computes the exact softmax attention. The
    published weights were trained with that.
    """

    def forward(
        self,
        queries_BNhd: torch.Tensor,
        keys_BNhd: torch.Tensor,
        values_BNhd: torch.Tensor,
        key_padding_mask: None = None,
    ) -> torch.Tensor:
        """Return the attended values; UniDepth uses no mask."""
        scores_BNhh = queries_BNhd / math.sqrt(keys_BNhd.shape[-1]) @ keys_BNhd.mT
        return scores_BNhh.softmax(dim=-1) @ values_BNhd
