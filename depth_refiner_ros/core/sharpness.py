# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sharp the outlines of a depth map are."""

import torch
from torch.nn import functional

REACH_CELLS = 2
"""Cells on each side whose outlines count for a cell."""
REPEATED = 0.15
"""Share of columns or rows that equal their neighbour from which on a map was enlarged."""


def sharpness(depth_m_B1HW: torch.Tensor, cell_px: int) -> torch.Tensor:
    """
    Return the largest step between neighbouring pixels over the range of depth around each cell.

    It is 1 where one step makes all of the range, 1 / n where an outline is spread evenly over n
    pixels, and the same at any scale of the depth. Not differentiable.

    :param depth_m_B1HW: without holes
    :param cell_px: pixels of a side of a cell; the range is that of 5 x 5 cells
    :return: (B, 1, h, w) for cells, those at the border incomplete where the size needs it
    """
    right, down = (-size % cell_px + 1 for size in reversed(depth_m_B1HW.shape[-2:]))
    depth = functional.pad(depth_m_B1HW, (0, right, 0, down), mode='replicate')
    here, beside, below = depth[..., :-1, :-1], depth[..., :-1, 1:], depth[..., 1:, :-1]
    step = _largest((beside - here).abs_(), cell_px, cell_px).maximum(
        _largest((below - here).abs_(), cell_px, cell_px)
    )
    # One pixel farther than the cell, as its steps reach.
    farthest, minus_nearest = (_largest(one, cell_px, cell_px + 1) for one in (depth, -depth))
    step, farthest, minus_nearest = map(_widest, (step, farthest, minus_nearest))
    return step / (farthest + minus_nearest + 1e-6)


def on_a_coarse_grid(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return for each map whether it was enlarged by repeating columns or rows, bool (B,).

    Such a column equals the one beside it in every row where both are known; every fourth row is
    compared. So do those of constant depth, which has no outlines.

    :param depth_m_B1HW: NaN where unknown
    """
    columns, rows = depth_m_B1HW[..., ::4, :], depth_m_B1HW[..., ::4].mT
    return _repeats_columns(columns) | _repeats_columns(rows)


def _repeats_columns(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    steps = (depth_m_B1HW[..., 1:] - depth_m_B1HW[..., :-1]).abs()
    known = steps.isfinite().any(dim=-2)
    repeated = known & (steps.nan_to_num(nan=0.0).amax(dim=-2) == 0.0)
    return repeated.sum(dim=(1, 2)) > REPEATED * known.sum(dim=(1, 2))


def _largest(maps_B1HW: torch.Tensor, cell_px: int, wide_px: int) -> torch.Tensor:
    """
    Return the maximum over so many rows and columns from the first of each cell on.

    By rows, then columns: a sixth of the cost of pooling.
    """
    rows = maps_B1HW.unfold(-2, wide_px, cell_px).amax(dim=-1)
    return rows.unfold(-1, wide_px, cell_px).amax(dim=-1)


def _widest(cells_B1hw: torch.Tensor) -> torch.Tensor:
    """Return the maximum over the cells around each."""
    wide = 2 * REACH_CELLS + 1
    padded = functional.pad(cells_B1hw, (REACH_CELLS,) * 4, mode='replicate')
    return padded.unfold(-2, wide, 1).amax(dim=-1).unfold(-1, wide, 1).amax(dim=-1)
