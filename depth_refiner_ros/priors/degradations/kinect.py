# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A structured-light camera: shadows beside near things, steps of disparity, and holes."""

from depth_refiner_ros.core.edges import dilate
from depth_refiner_ros.priors.degradations.fields import between, blobs, displaced, speckle
import torch


def kinect(
    depth_m_11HW: torch.Tensor, rgb_13HW: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """
    Measure depth with a projector beside the camera; NaN where nothing is measured.

    The first Kinect: focal length times baseline is 580 px x 75 mm, 0.07 m of the image's width;
    disparity has steps of 1/8 px and noise of up to one of them; it is matched in windows of some
    9 px, so that noise is grained and outlines are ragged.
    """
    draw = torch.rand(7, generator=generator)
    parallax_px = depth_m_11HW.shape[-1] * between(draw[0], 0.03, 0.09) / depth_m_11HW
    unlit = shadows(parallax_px, to_the_right=float(draw[1]) < 0.5)
    unlit = dilate(unlit, int(3 * float(draw[2])))
    moved = displaced(depth_m_11HW, between(draw[3], 0.3, 1.5), generator, bend_px=5)
    eighths = between(draw[4], 200.0, 500.0)  # of a pixel, at 1 m
    grain = speckle(depth_m_11HW, generator, grain_px=2 + int(5 * float(draw[6])))
    noise = between(draw[5], 0.2, 1.0) * grain
    measured = eighths / (eighths / moved + noise).round().clamp_min(1.0)
    lost = unlit | _beyond(depth_m_11HW, generator) | _dark(rgb_13HW, generator)
    return torch.where(lost, torch.nan, measured)


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


def _beyond(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Find what is out of range: at most the farther half."""
    limit_m = between(torch.rand((), generator=generator), 3.5, 10.0)
    return depth_m_11HW > depth_m_11HW.median().mul(1.2).clamp_min(limit_m)


def _dark(rgb_13HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Find what reflects nothing: spots, and most of what is much darker than the rest."""
    brightness = rgb_13HW.mean(1, keepdim=True)
    limit = between(torch.rand((), generator=generator), 0.0, 0.4) * brightness.median()
    spots = blobs(brightness, generator)
    return (spots > 1.8) | ((brightness < limit) & (spots > -0.5))
