# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether two images show the same view at different sizes."""

ASPECT_TOLERANCE = 0.01
"""Relative tolerance, because sizes are rounded to whole pixels."""


def same_aspect(width: float, height: float, other_width: float, other_height: float) -> bool:
    """Whether two sizes have the same aspect ratio."""
    return abs(width * other_height / (height * other_width) - 1.0) < ASPECT_TOLERANCE
