# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Blur of a network that predicts inverse depth: near things grow over the far side."""

from depth_refiner_ros.priors.degradations.fields import between
from depth_refiner_ros.priors.degradations.smeared import smear
import torch
from torch.nn import functional


def disparity(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Grow near things by up to 3 pixels, then average 2 to 12 inverse depths into one."""
    draw = torch.rand(3, generator=generator)
    reach = int(4 * float(draw[0]))
    factor = between(draw[1], 2.0, 12.0)
    mode = 'bicubic' if float(draw[2]) < 0.5 else 'bilinear'
    far_m = depth_m_11HW.amax()
    inverse = far_m / depth_m_11HW  # 1 at the farthest
    grown = functional.max_pool2d(inverse, 2 * reach + 1, stride=1, padding=reach)
    return far_m / smear(grown, factor, mode).clamp_min(0.7)
