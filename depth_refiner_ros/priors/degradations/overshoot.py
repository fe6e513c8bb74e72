# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Blur that rings: too near on the near side of an outline, too far on the far side."""

from depth_refiner_ros.priors.degradations.fields import between
import torch
from torch.nn import functional


def overshoot(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Resize depth or its logarithm down and up with a cubic kernel, then sharpen what is left.

    Three to ten pixels become one. The kernel's negative lobes already ring by some 7 % of a
    step; sharpening, as of a decoder trained on gradients, makes that up to 25 %.
    """
    draw = torch.rand(3, generator=generator)
    factor, gain = between(draw[0], 3.0, 10.0), between(draw[1], 0.0, 0.8)
    logarithmic = float(draw[2]) < 0.5
    values = depth_m_11HW.log() if logarithmic else depth_m_11HW
    height, width = depth_m_11HW.shape[-2:]
    small = functional.interpolate(
        values,
        size=(max(2, round(height / factor)), max(2, round(width / factor))),
        mode='bicubic',
        antialias=True,
    )
    wide = functional.avg_pool2d(small, 3, stride=1, padding=1, count_include_pad=False)
    sharpened = small + gain * (small - wide)
    ringing = functional.interpolate(sharpened, size=(height, width), mode='bicubic')
    depth = ringing.exp() if logarithmic else ringing
    return torch.maximum(depth, 0.5 * depth_m_11HW.amin())
