# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far refined depth can be trusted, estimated without ground truth."""

import math

from depth_refiner_ros.core.checks import surely_everywhere
from depth_refiner_ros.core.types import ScaleShift
import torch
from torch.nn import functional

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
    return (ratio.log().abs() / TWOFOLD).nan_to_num(nan=1.0).clamp(0.0, 1.0)


def confidence_of(
    difference_B1HW: torch.Tensor, known_B1HW: torch.Tensor, fit: ScaleShift
) -> torch.Tensor:
    """
    Return confidence in [0, 1]: agreement, times the share of known prior depth around.

    Inside a hole of the prior nothing measured supports the depth: confidence falls to 0 over
    :data:`REACH_PX` pixels.
    """
    support = known_B1HW.to(difference_B1HW.dtype)
    if not surely_everywhere(known_B1HW):
        support = torch.where(known_B1HW, 1.0, _share_around(support))
    trust = torch.where(fit.ok_B, 1.0, UNALIGNED).view(-1, 1, 1, 1)
    return (1.0 - difference_B1HW) * support * trust


def confidence_of_spread(spread_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return the probability that depth is right within a factor of 1.25.

    :param spread_B1HW: expected absolute error of log depth, which is Laplace distributed
    """
    return -torch.expm1(-WITHIN / spread_B1HW)


def _share_around(support_B1HW: torch.Tensor) -> torch.Tensor:
    """Average over the window inside the image; rows, then columns, at 1/6 of the cost."""
    window = 2 * REACH_PX + 1
    rows = functional.avg_pool2d(
        support_B1HW, (window, 1), 1, (REACH_PX, 0), count_include_pad=False
    )
    return functional.avg_pool2d(rows, (1, window), 1, (0, REACH_PX), count_include_pad=False)
