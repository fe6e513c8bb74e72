# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One input of the tiny Depth Anything 3, and the numbers that its maps are told by."""

import torch

from tests.priors.official_depth_anything_3 import scattered


def pixels() -> torch.Tensor:
    """Return an input of 5 x 7 patches."""
    return scattered(3 * 70 * 98, 1).reshape(1, 3, 70, 98)


def numbers(depth_B1hw: torch.Tensor, second_B1hw: torch.Tensor) -> list[float]:
    """Return mean, a corner and the middle of both maps."""
    return [
        float(value)
        for one in (depth_B1hw, second_B1hw)
        for value in (one.mean(), one[0, 0, 0, 0], one[0, 0, 35, 49])
    ]
