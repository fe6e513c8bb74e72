# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far refined depth can be trusted, estimated without ground truth."""

import math

from depth_refiner_ros.core.checks import surely_everywhere
from depth_refiner_ros.core.types import ScaleShift
from depth_refiner_ros.core.window_mean import window_mean
import torch

TWOFOLD = math.log(2.0)
REACH_PX = 8
WITHIN = math.log(1.25)
"""Log error up to which depth counts as right, as in the figure delta1."""
UNALIGNED = 0.1
"""Confidence of an image whose refined depth could not be aligned to its prior."""


def relative_difference(depth_m_B1HW: torch.Tensor, prior_m_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return the disagreement of two depths as a ratio: 0 where equal, 1 at a factor of two or more.

    :param depth_m_B1HW: refined depth; not positive or NaN counts as full disagreement
    :param prior_m_B1HW: filled prior
    """
    ratio = depth_m_B1HW.clamp_min(1e-6) / prior_m_B1HW.clamp_min(1e-6)
    # In place on what is new, which the processor still has at hand.
    return ratio.log_().abs_().div_(TWOFOLD).nan_to_num_(nan=1.0).clamp_(0.0, 1.0)


def confidence_of(
    difference_B1HW: torch.Tensor, known_B1HW: torch.Tensor, fit: ScaleShift
) -> torch.Tensor:
    """
    Return confidence in [0, 1]: agreement, times the share of known prior depth around.

    Inside a hole of the prior nothing measured supports the depth: confidence falls to 0 over
    :data:`REACH_PX` pixels.
    """
    trust = torch.where(fit.ok_B, 1.0, UNALIGNED).view(-1, 1, 1, 1)
    agreement_B1HW = (1.0 - difference_B1HW) * trust
    if surely_everywhere(known_B1HW):
        return agreement_B1HW
    around_B1HW = window_mean(known_B1HW.to(difference_B1HW.dtype), REACH_PX)
    return agreement_B1HW * torch.where(known_B1HW, 1.0, around_B1HW)


def confidence_of_spread(spread_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return the probability that depth is right within a factor of 1.25.

    :param spread_B1HW: expected absolute error of log depth, which is Laplace distributed
    """
    return -torch.expm1(-WITHIN / spread_B1HW)
