# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A structured-light camera: shadows beside near things, steps of disparity, and holes."""

from depth_refiner_ros.core.edges import dilate
from depth_refiner_ros.priors.degradations.fields import between, blobs, displaced, speckle
import torch


def kinect(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Measure depth with a projector beside the camera; NaN where nothing is measured.

    The first Kinect: focal length times baseline is 580 px x 75 mm, 0.07 m of the image's width;
    disparity has steps of 1/8 px and noise of about one of them.
    """
    draw = torch.rand(6, generator=generator)
    parallax_px = depth_m_11HW.shape[-1] * between(draw[0], 0.03, 0.09) / depth_m_11HW
    unlit = shadows(parallax_px, to_the_right=float(draw[1]) < 0.5)
    unlit = dilate(unlit, int(3 * float(draw[2])))
    moved = displaced(depth_m_11HW, 1.5 * float(draw[3]), generator)
    eighths = between(draw[4], 200.0, 500.0)  # of a pixel, at 1 m
    noise = between(draw[5], 0.3, 1.2) * speckle(depth_m_11HW, generator)
    measured = eighths / (eighths / moved + noise).round().clamp_min(1.0)
    return torch.where(unlit | _dark(depth_m_11HW, generator), torch.nan, measured)


def shadows(parallax_px_B1HW: torch.Tensor, *, to_the_right: bool) -> torch.Tensor:
    """
    Find what the camera sees and the projector does not.

    Going away from the projector, its rays pass the pixels in order, at column + parallax.
    A surface that an earlier, nearer one has already passed lies in its shadow; the last pixel
    counts as lit, as pixels of steep surfaces are. A pole's shadow reaches up to the pole, where
    true ones may begin behind it.

    :param parallax_px_B1HW: focal length x baseline / depth
    :param to_the_right: of near things, where the projector is on the left
    """
    parallax = parallax_px_B1HW if to_the_right else parallax_px_B1HW.flip(-1)
    ray = parallax + torch.arange(parallax.shape[-1]).to(parallax)
    unlit = ray < ray.cummax(-1).values - 0.5
    return unlit if to_the_right else unlit.flip(-1)


def _dark(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Find spots that reflect nothing, and what is out of range: at most the farther half."""
    limit_m = between(torch.rand((), generator=generator), 3.5, 10.0)
    beyond = depth_m_11HW > depth_m_11HW.median().mul(1.2).clamp_min(limit_m)
    return beyond | (blobs(depth_m_11HW, generator) > 1.8)
