# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A depth camera in general: noise, blur, and holes at outlines and on some surfaces."""

from depth_refiner_ros.core.edges import depth_boundaries, dilate
from depth_refiner_ros.priors.degradations.fields import blobs, displaced, speckle
from depth_refiner_ros.priors.degradations.smeared import smear
import torch


def sensor(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add noise that grows with depth squared, blur, and holes, which are NaN."""
    draw = torch.rand(4, generator=generator)
    sigma = (0.0015 + 0.003 * float(draw[0])) * depth_m_11HW.square()
    depth = displaced(depth_m_11HW, 1.5 * float(draw[1]), generator)
    depth = depth + sigma * speckle(depth_m_11HW, generator)
    depth = smear(depth, 1.0 + 3.0 * float(draw[2]), 'bilinear')
    outline = dilate(depth_boundaries(depth_m_11HW), 1 + int(5 * float(draw[3])))
    spots = blobs(depth_m_11HW, generator)
    return torch.where((outline & (spots > -0.5)) | (spots > 1.8), torch.nan, depth)
