# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refined depth goes back to its prior where both say the same, and where the prior is sharp."""

from functools import reduce

from depth_refiner_ros.core.sharpness import on_a_coarse_grid, sharpness
import torch
from torch.nn import functional

CELL_PX = 4
SHARP_BAND = 0.1


def keep_prior(
    depth_m_B1HW: torch.Tensor,
    prior_m_B1HW: torch.Tensor,
    *,
    filled_m_B1HW: torch.Tensor,
    within: float,
    sharp: float,
) -> torch.Tensor:
    """
    Return refined depth, drawn back to its prior where that is the better one.

    A refiner moves outlines by a lot and everything else by a little. The little is its own
    noise, mostly texture of the image: g^2 / (g^2 + within^2) of each change is kept, where g is
    the mean relative change over 12 x 12 pixels, as in a Wiener filter.

    Nor has it anything to add where the prior's outlines are as sharp as pixels: from a sharpness
    of ``sharp`` on less is kept of a change, from 0.1 above on nothing, see
    :func:`~.sharpness.sharpness`. Depth of fewer pixels that was enlarged has sharp outlines in
    the wrong places, and is refined everywhere.

    Both shares are those of cells of 4 x 4 pixels, a tenth of the cost of windows around each
    pixel, and change smoothly between their centres.

    :param prior_m_B1HW: NaN where unknown
    :param filled_m_B1HW: the same without holes
    :param within: g of which half is kept; 0 keeps all of it
    :param sharp: 0 keeps all changes
    """
    if not within and not sharp:
        return depth_m_B1HW
    shares = []
    if within:
        shares.append(_beyond_noise(depth_m_B1HW, filled_m_B1HW, within))
    if sharp:
        shares.append(_where_smeared(prior_m_B1HW, filled_m_B1HW, sharp))
    height, width = depth_m_B1HW.shape[-2:]
    kept = functional.interpolate(
        reduce(torch.mul, shares), scale_factor=float(CELL_PX), mode='bilinear'
    )
    return torch.lerp(filled_m_B1HW, depth_m_B1HW, kept[..., :height, :width])


def _beyond_noise(
    depth_m_B1HW: torch.Tensor, filled_m_B1HW: torch.Tensor, within: float
) -> torch.Tensor:
    """Return for each cell the share of changes that is kept for their size."""
    change = depth_m_B1HW / filled_m_B1HW
    change = change.sub_(1.0).abs_().nan_to_num_(nan=1.0).clamp_(max=1.0)
    cells = functional.avg_pool2d(change, CELL_PX, ceil_mode=True)
    square = functional.avg_pool2d(cells, 3, 1, 1, count_include_pad=False).square_()
    return square / (square + within**2)


def _where_smeared(
    prior_m_B1HW: torch.Tensor, filled_m_B1HW: torch.Tensor, sharp: float
) -> torch.Tensor:
    """Return for each cell the share of changes that the prior's outlines leave to the refiner."""
    smeared = 1.0 - (sharpness(filled_m_B1HW, CELL_PX) - sharp) / SHARP_BAND
    coarse_B = on_a_coarse_grid(prior_m_B1HW)
    return torch.where(coarse_B.view(-1, 1, 1, 1), 1.0, smeared.clamp_(0.0, 1.0))
