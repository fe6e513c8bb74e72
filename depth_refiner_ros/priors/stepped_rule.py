# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The input of Depth Anything 3: resized in two steps, in bytes, by area or bicubically."""

from collections.abc import Callable
from dataclasses import dataclass

from depth_refiner_ros.priors.area_resample import area_resampled, rounded_to_bytes
from depth_refiner_ros.priors.preprocess import InputRule, normalised, Size
import torch
from torch.nn import functional

LONG_SIDE, MULTIPLE = 504, 14


@dataclass(frozen=True, kw_only=True)
class SteppedRule(InputRule):
    """
    Resizes to a size of the same aspect ratio first, then to multiples.

    :param first: the image's size to that size
    """

    first: Callable[[Size], Size]

    def prepare(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """See :meth:`.preprocess.InputRule.prepare`; there are no borders."""
        image_size = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        for size in (self.first(image_size), self.size(image_size)):
            rgb_B3HW = in_bytes(rgb_B3HW, size)
        return normalised(rgb_B3HW, self.mean_std)


def in_bytes(rgb_B3HW: torch.Tensor, size: Size) -> torch.Tensor:
    """
    Return an image of this size, rounded to 8 bits as by OpenCV.

    :param rgb_B3HW: in 0..1
    """
    found = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
    if found == size:
        return rgb_B3HW
    if size[0] > found[0] or size[1] > found[1]:
        resized = functional.interpolate(rgb_B3HW, size=size, mode='bicubic')
    else:
        resized = area_resampled(rgb_B3HW, size)
    return rounded_to_bytes(resized)


def scaled_to(side_px: int, longest: bool) -> Callable[[Size], Size]:
    """Scale the longest or the shortest side to a length; keep the aspect ratio."""

    def size(image: Size) -> Size:
        scale = side_px / (max(image) if longest else min(image))
        rows, columns = (max(1, round(side * scale)) for side in image)
        return rows, columns

    return size


def nearest_multiples(image: Size) -> Size:
    """Round each side to the nearest multiple, half of one up, but never to 0."""
    rows, columns = (max(1, (side + MULTIPLE // 2) // MULTIPLE) * MULTIPLE for side in image)
    return rows, columns


def depth_anything_3(short_side: int = 0) -> SteppedRule:
    """
    Return the rule of Depth Anything 3.

    :param short_side: in pixels; 0 for a longest side of 504, the default of the authors' code
    """
    first = scaled_to(short_side, False) if short_side else scaled_to(LONG_SIDE, True)
    return SteppedRule(first=first, size=lambda image: nearest_multiples(first(image)))
