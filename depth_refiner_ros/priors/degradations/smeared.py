# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Blur and displaced outlines of a network that works at a fraction of the image's size."""

from depth_refiner_ros.priors.degradations.fields import between, displaced
import torch
from torch.nn import functional


def smeared(
    depth_m_11HW: torch.Tensor, generator: torch.Generator, *, factors: tuple[float, float]
) -> torch.Tensor:
    """
    Blur depth or its logarithm, after its outlines are moved by up to two pixels.

    :param factors: least and greatest number of pixels that are averaged into one
    """
    draw = torch.rand(4, generator=generator)
    factor = between(draw[0], *factors)
    mode = 'bicubic' if float(draw[1]) < 0.5 else 'bilinear'
    moved = displaced(depth_m_11HW, 2.0 * float(draw[2]), generator)
    # Networks average disparity or its logarithm as often as depth.
    if float(draw[3]) < 0.5:
        return smear(moved, factor, mode)
    return smear(moved.log() + 10.0, factor, mode).sub(10.0).exp()


def smear(depth_m_B1HW: torch.Tensor, factor: float, mode: str = 'bicubic') -> torch.Tensor:
    """
    Blur depth like a network at 1/factor of the size.

    :param factor: pixels that are averaged into one, before a smooth upsampling
    """
    height, width = depth_m_B1HW.shape[-2:]
    small = functional.interpolate(
        depth_m_B1HW,
        size=(max(2, round(height / factor)), max(2, round(width / factor))),
        mode='area',
    )
    return functional.interpolate(small, size=(height, width), mode=mode).clamp_min(1e-2)
