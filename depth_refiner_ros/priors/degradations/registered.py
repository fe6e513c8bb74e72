# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth that lies beside the image: an error of calibration, or of two cameras' distance."""

import math

from depth_refiner_ros.priors.degradations.fields import between
from depth_refiner_ros.priors.degradations.smeared import smear
import torch


def registered(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Move depth by 1 to 4 pixels in one direction; in half of the cases less where it is farther.

    What a near thing uncovers becomes as far as its surroundings.
    """
    draw = torch.rand(4, generator=generator)
    angle, reach_px = 2.0 * math.pi * float(draw[0]), between(draw[1], 1.0, 4.0)
    parallax = max(0.0, between(draw[2], -1.0, 1.0))
    share = (1.0 - parallax) + parallax * depth_m_11HW.amin() / depth_m_11HW
    offset_px = (reach_px * share).round()
    nearest, farthest = torch.full_like(depth_m_11HW, torch.inf), torch.zeros_like(depth_m_11HW)
    for pixels in range(round(reach_px) + 1):
        rows, columns = round(pixels * math.sin(angle)), round(pixels * math.cos(angle))
        moved, belongs = (_moved(map_, rows, columns) for map_ in (depth_m_11HW, offset_px))
        nearest = torch.where(belongs == pixels, torch.minimum(nearest, moved), nearest)
        farthest = torch.maximum(farthest, moved)
    whole = torch.where(torch.isinf(nearest), farthest, nearest)
    return smear(whole, between(draw[3], 1.0, 3.0))


def _moved(map_B1HW: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Move a map down and to the right; its border is repeated."""
    height, width = map_B1HW.shape[-2:]
    device = map_B1HW.device
    from_rows = (torch.arange(height, device=device) - rows).clamp(0, height - 1)
    from_columns = (torch.arange(width, device=device) - columns).clamp(0, width - 1)
    return map_B1HW[..., from_rows, :][..., from_columns]
