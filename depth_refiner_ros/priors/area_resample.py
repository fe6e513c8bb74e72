# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Resize images by the mean over the area of each new pixel, as OpenCV's INTER_AREA does.

Where one side grows and the other shrinks, OpenCV takes only two old pixels for a new one of the
side that shrinks; here it is all of them.
"""

import torch

WHITE = 255.0


def shares(old: int, new: int, device: torch.device | None = None) -> torch.Tensor:
    """
    Return the share of each old pixel in each new one along an axis.

    :return: ``shares_no``, rows of new pixels that sum to 1; exact, as it is counted in integers
    """
    ends = torch.arange(new + 1, device=device)[:, None] * old
    cells = torch.arange(old + 1, device=device) * new
    common = torch.minimum(ends[1:], cells[1:]) - torch.maximum(ends[:-1], cells[:-1])
    return common.clamp_min(0) / old


def area_resampled(image_BCHW: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """
    Return an image of another size, fp32.

    :param size: rows and columns
    """
    rows, columns = image_BCHW.shape[-2:]
    with torch.autocast(image_BCHW.device.type, enabled=False):
        down = shares(rows, size[0], image_BCHW.device)
        across = shares(columns, size[1], image_BCHW.device)
        return down @ image_BCHW.float() @ across.T


def rounded_to_bytes(rgb_B3HW: torch.Tensor) -> torch.Tensor:
    """Return an image in 0..1 as an image of 8 bits holds it."""
    return (rgb_B3HW * WHITE).round().clamp(0.0, WHITE) / WHITE
