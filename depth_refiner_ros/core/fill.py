# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fill holes in depth smoothly from their surroundings, as a start for the refiner."""

from depth_refiner_ros.core.checks import check_map, finite, surely_everywhere
import torch
from torch.nn import functional


def fill_holes(depth_m_B1HW: torch.Tensor, *, empty_m: float = 1.0) -> torch.Tensor:
    """
    Replace unknown depth by push-pull interpolation.

    Known depth is averaged down a pyramid until every pixel has a value; then coarse values fill
    the holes on the way up. Known pixels keep their exact values.

    :param depth_m_B1HW: metres, not finite where unknown
    :param empty_m: value of an image without any known depth
    :return: finite depth, same shape; on the CPU the same tensor if nothing was unknown
    :raises InputError: if the depth is not a map
    """
    check_map('depth', depth_m_B1HW)
    known = finite(depth_m_B1HW)
    if surely_everywhere(known):
        return depth_m_B1HW
    filled = _fill(torch.where(known, depth_m_B1HW, 0.0), known.to(depth_m_B1HW.dtype))
    some = known.flatten(1).any(1).view(-1, 1, 1, 1)
    return torch.where(some, torch.where(known, depth_m_B1HW, filled), empty_m)


def _fill(depth: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Fill depth that is 0 where its weight is 0; recursion halves the size down to one pixel."""
    if max(depth.shape[-2:]) == 1:
        return depth
    size = depth.shape[-2:]
    share = functional.avg_pool2d(weight, 2, ceil_mode=True)
    coarse = functional.avg_pool2d(depth * weight, 2, ceil_mode=True) / share.clamp_min(1e-12)
    coarse = _fill(coarse, (share > 0).to(depth.dtype))
    smooth = functional.interpolate(coarse, size=size, mode='bilinear')
    return torch.where(weight > 0, depth, smooth)
