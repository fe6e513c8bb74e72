# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scale of one depth map relative to another."""

from dataclasses import dataclass
import math


@dataclass(frozen=True, kw_only=True)
class ScaleRatio:
    """
    The scale of one depth map relative to another.

    :param ratio: median of reference / depth over the overlap; NaN if that is too small
    :param spread: median absolute deviation of the log ratio; 0.05 is 5 %
    :param pixels: overlapping sampled pixels
    """

    ratio: float
    spread: float
    pixels: int

    @property
    def known(self) -> bool:
        """Whether there was enough overlap for a ratio."""
        return not math.isnan(self.ratio)
