# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Measured depth as InfiniDepth's prompt: up to 1500 points, in disparity over its median.

As its authors do, but for three things. They first bring measured depth to the size of the
network, by nearest pixel; here the points stay where they were measured, so that none of a lidar
is lost in a large image. They leave out what is nearer than 1 m, which their training does not;
here it counts, as it is what a robot may run into. And which points of many are taken is drawn
for each frame there; here it is the same in each, and nothing is read back from a GPU.
"""

from dataclasses import dataclass

import torch

POINTS = 1500
FARTHEST_M = 100.0
MIX = ((16, 0x7FEB352D), (15, 0x846CA68B))
"""Shifts and factors of the 32-bit mixing function lowbias32 of C. Wellons, public domain."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """
    Points of images.

    :param values_BP: disparity over its median; 0 is no point
    :param places_BP2: right and down, 0 to 1 across the image
    :param median_B1: of the points' disparity, in 1/m; NaN without points
    """

    values_BP: torch.Tensor
    places_BP2: torch.Tensor
    median_B1: torch.Tensor


def prompt_of(measured_m_B1HW: torch.Tensor) -> Prompt:
    """
    Return the prompt of measured depth.

    :param measured_m_B1HW: above 0, NaN where unknown
    """
    depth_BN = measured_m_B1HW.flatten(1)
    height, width = measured_m_B1HW.shape[-2:]
    usable = depth_BN < FARTHEST_M
    order_N = shuffled(depth_BN.shape[1], depth_BN.device)
    count = min(POINTS, len(order_N))
    chosen_BP = torch.where(usable, order_N, -1).topk(count, dim=1).indices
    inverse = torch.where(usable, depth_BN.reciprocal(), torch.nan).gather(1, chosen_BP)
    median_B1 = inverse.nanquantile(0.5, dim=1, keepdim=True)
    down, right = chosen_BP // width, chosen_BP % width
    return Prompt(
        values_BP=(inverse / median_B1).nan_to_num(0.0),
        places_BP2=torch.stack(((right + 0.5) / width, (down + 0.5) / height), dim=-1),
        median_B1=median_B1,
    )


def shuffled(count: int, device: torch.device) -> torch.Tensor:
    """Return numbers from 0 to 2^32 in an order without a pattern, always the same."""
    mixed = torch.arange(count, device=device)
    for shift, factor in MIX:
        mixed = (mixed ^ (mixed >> shift)) * factor % 2**32
    return mixed ^ (mixed >> 16)
