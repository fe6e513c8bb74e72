# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Edge-preserving blur: what the guide does not show is lost, what it shows is copied."""

from depth_refiner_ros.priors.degradations.fields import between
from depth_refiner_ros.priors.degradations.smeared import smear
import torch
from torch.nn import functional

TEXTURE_PX = 15
"""Brightness is texture as far as it differs from its mean over this window."""


def bilateral(
    depth_m_11HW: torch.Tensor, rgb_13HW: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """
    Blur over 6 to 16 pixels within what looks alike, in the image or in the depth itself.

    By the image, outlines without contrast are blurred and up to 3 % of the texture is copied into
    the depth; by the depth, steps of less than some 5 to 25 % are lost.
    """
    draw = torch.rand(4, generator=generator)
    values, brightness = depth_m_11HW.log(), rgb_13HW.mean(1, keepdim=True)
    spacing = between(draw[0], 1.5, 4.0)
    if float(draw[1]) < 0.5:
        guide, alike = brightness, between(draw[2], 0.03, 0.12)
        texture = brightness - smear(brightness, TEXTURE_PX, 'bilinear')
        values = values + between(draw[3], 0.0, 0.1) * texture
    else:
        guide, alike = values, between(draw[2], 0.05, 0.25)
    for reach in (round(spacing), 1):  # the second removes the pattern that gaps leave
        for axis in (-2, -1):
            values = _blurred(values, guide, reach, alike, axis)
    return values.exp()


def _blurred(
    values_11HW: torch.Tensor, guide_11HW: torch.Tensor, spacing: int, alike: float, axis: int
) -> torch.Tensor:
    """Average five values of a row or column, each weighted by how alike the guide is there."""
    reach, length = 2 * spacing, values_11HW.shape[axis]
    sides = (reach, reach, 0, 0) if axis == -1 else (0, 0, reach, reach)
    values = functional.pad(values_11HW, sides, mode='replicate')
    guides = functional.pad(guide_11HW / alike, sides, mode='replicate')
    here = guides.narrow(axis, reach, length)
    total, weights = torch.zeros_like(here), torch.zeros_like(here)
    for step in range(5):
        unlike = (guides.narrow(axis, step * spacing, length) - here).square()
        # A long tail, where a Gaussian's would reach denormal numbers and be ten times slower.
        weight = (1.0, 2.0, 3.0, 2.0, 1.0)[step] / (1.0 + unlike).square()
        total = total + weight * values.narrow(axis, step * spacing, length)
        weights = weights + weight
    return total / weights
