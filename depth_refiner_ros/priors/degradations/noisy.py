# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sharp depth with noise, as of an average of many sharp predictions."""

from depth_refiner_ros.priors.degradations.fields import speckle
import torch


def noisy(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Add correlated noise of one to three percent."""
    amount = 0.01 + 0.02 * float(torch.rand((), generator=generator))
    return depth_m_11HW * (1.0 + amount * speckle(depth_m_11HW, generator))
