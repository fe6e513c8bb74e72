# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Random numbers, smooth fields and displaced outlines that the degradations are made of.

Everything is drawn on the CPU, so that one seed gives one result on every device.
"""

import torch
from torch.nn import functional


def between(draw: torch.Tensor, least: float, greatest: float) -> float:
    """Return a number from its place in 0..1 between two others."""
    return least + (greatest - least) * float(draw)


def scale_error(
    like_B1HW: torch.Tensor, generator: torch.Generator, *, warp: float = 0.05, scale: float = 0.05
) -> torch.Tensor:
    """
    Draw a smooth factor around 1: a 3 x 4 grid of errors, upsampled, times a global one.

    :param warp: standard deviation of the grid's logarithms
    :param scale: of the global one
    """
    batch, _, height, width = like_B1HW.shape
    grid = torch.randn(batch, 1, 3, 4, generator=generator) * warp
    smooth = functional.interpolate(grid, size=(height, width), mode='bicubic')
    overall = torch.randn(batch, 1, 1, 1, generator=generator) * scale
    return (smooth + overall).exp()


def displaced(
    depth_m_11HW: torch.Tensor, pixels: float, generator: torch.Generator, *, bend_px: int = 40
) -> torch.Tensor:
    """
    Move outlines by a smooth random flow.

    :param pixels: standard deviation of the flow
    :param bend_px: distance over which it changes
    """
    height, width = depth_m_11HW.shape[-2:]
    size = max(2, height // bend_px), max(2, width // bend_px)
    coarse = torch.randn(1, 2, *size, generator=generator)
    flow = functional.interpolate(coarse, size=(height, width), mode='bilinear') * pixels
    rows = (torch.arange(height)[:, None] + 0.5 + flow[0, 1]) * 2.0 / height - 1.0
    columns = (torch.arange(width)[None, :] + 0.5 + flow[0, 0]) * 2.0 / width - 1.0
    grid = torch.stack([columns.expand(height, width), rows.expand(height, width)], dim=-1)
    return functional.grid_sample(
        depth_m_11HW,
        grid[None].to(depth_m_11HW),
        mode='nearest',
        padding_mode='border',
        align_corners=False,
    )


def speckle(
    like_11HW: torch.Tensor, generator: torch.Generator, *, grain_px: int = 2
) -> torch.Tensor:
    """Draw noise of deviation 0.6 that is correlated over about this many pixels."""
    height, width = like_11HW.shape[-2:]
    size = height // grain_px + 1, width // grain_px + 1
    coarse = torch.randn(1, 1, *size, generator=generator)
    return functional.interpolate(coarse, size=(height, width), mode='bilinear').to(like_11HW)


def blobs(like_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw a smooth field whose peaks are some 20 pixels wide."""
    height, width = like_11HW.shape[-2:]
    coarse = torch.randn(1, 1, height // 16 + 2, width // 16 + 2, generator=generator)
    return functional.interpolate(coarse, size=(height, width), mode='bicubic').to(like_11HW)
