# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth in steps: of a sensor's disparity, or of a coding with few bits."""

from depth_refiner_ros.priors.degradations.fields import between, speckle
from depth_refiner_ros.priors.degradations.smeared import smear
import torch


def quantised(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Round inverse depth or depth, with up to one step of noise, and blur by at most 2 pixels.

    The first Kinect has 8 x 580 px x 75 mm = 348 steps of inverse depth per 1/m, so 3 mm at 1 m
    and 46 mm at 4 m; 8 bits have 255 over that of the nearest thing. 8 bits of depth up to 10 m
    are steps of 39 mm.
    """
    draw = torch.rand(4, generator=generator)
    noise = float(draw[0]) * speckle(depth_m_11HW, generator)
    if float(draw[1]) < 0.5:
        steps = between(draw[2], 150.0, 500.0)
        depth = steps / (steps / depth_m_11HW + noise).round().clamp_min(1.0)
    else:
        step_m = between(draw[2], 0.002, 0.04)
        depth = step_m * (depth_m_11HW / step_m + noise).round().clamp_min(1.0)
    return smear(depth, between(draw[3], 1.0, 2.0), 'bilinear')
