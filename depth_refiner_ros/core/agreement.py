# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refined depth goes back to its prior where both say the same."""

from depth_refiner_ros.core.confidence import relative_difference, TWOFOLD
from depth_refiner_ros.core.window_mean import window_mean
import torch

REACH_PX = 5


def keep_agreed(
    depth_m_B1HW: torch.Tensor, prior_m_B1HW: torch.Tensor, within: float
) -> torch.Tensor:
    """
    Return refined depth, drawn back to its prior where the two agree in a neighbourhood.

    A refiner moves outlines by a lot and everything else by a little. The little is its own
    noise, mostly texture of the image: g^2 / (g^2 + within^2) of each change is kept, where g is
    the mean absolute log ratio over 11 x 11 pixels, as in a Wiener filter.

    :param prior_m_B1HW: without holes
    :param within: g of which half is kept
    """
    around = window_mean(relative_difference(depth_m_B1HW, prior_m_B1HW), REACH_PX).square()
    kept = around / (around + (within / TWOFOLD) ** 2)
    return torch.lerp(prior_m_B1HW, depth_m_B1HW, kept)
