# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sharp the outlines of a depth map are."""

import torch
from torch.nn import functional

REACH_CELLS = 2
"""Cells on each side whose outlines count for a cell."""
UNCHANGED = 0.25
"""Share of columns that repeat their neighbour from which on a map was enlarged."""


def sharpness(depth_m_B1HW: torch.Tensor, cell_px: int) -> torch.Tensor:
    """
    Return the largest step between neighbouring pixels over the range of depth around each cell.

    It is 1 where one step makes all of the range, about 1.5 / n where an outline is spread over n
    pixels, and the same at any scale of the depth.

    :param depth_m_B1HW: without holes
    :param cell_px: pixels of a side of a cell; the range is that of 5 x 5 cells
    :return: (B, 1, h, w) for cells, those at the border incomplete where the size needs it
    """
    right, down = (-size % cell_px for size in reversed(depth_m_B1HW.shape[-2:]))
    depth = functional.pad(depth_m_B1HW, (0, right, 0, down), mode='replicate')
    steps = torch.zeros_like(depth)
    steps[..., :-1] = (depth[..., 1:] - depth[..., :-1]).abs_()
    rows = steps[..., :-1, :]
    torch.maximum(rows, (depth[..., 1:, :] - depth[..., :-1, :]).abs_(), out=rows)
    largest = _widest(_cells(steps, cell_px))
    return largest.div_(_widest(_cells(depth, cell_px)) + _widest(_cells(-depth, cell_px)) + 1e-6)


def on_a_coarse_grid(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Return for each map whether it was enlarged by repeating its pixels, bool (B,).

    Such a map has columns that equal the one beside them in every row where both are known.

    :param depth_m_B1HW: NaN where unknown
    """
    steps = (depth_m_B1HW[..., 1:] - depth_m_B1HW[..., :-1]).abs_()
    known = steps.isfinite().any(dim=-2)
    repeated = known & (steps.nan_to_num_(nan=0.0).amax(dim=-2) == 0.0)
    return repeated.sum(dim=(1, 2)) > UNCHANGED * known.sum(dim=(1, 2))


def _cells(maps_B1HW: torch.Tensor, cell_px: int) -> torch.Tensor:
    """Return the maximum over each cell; by rows, then columns, a sixth of the cost of pooling."""
    height, width = maps_B1HW.shape[-2:]
    rows = maps_B1HW.unflatten(-2, (height // cell_px, cell_px)).amax(dim=-2)
    return rows.unflatten(-1, (width // cell_px, cell_px)).amax(dim=-1)


def _widest(cells_B1hw: torch.Tensor) -> torch.Tensor:
    """Return the maximum over the cells around each."""
    wide = 2 * REACH_CELLS + 1
    padded = functional.pad(cells_B1hw, (REACH_CELLS,) * 4, mode='replicate')
    return padded.unfold(-2, wide, 1).amax(dim=-1).unfold(-1, wide, 1).amax(dim=-1)
