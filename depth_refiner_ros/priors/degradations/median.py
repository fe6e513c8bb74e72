# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A median blur: corners rounded, thin things gone, long outlines sharp and in place."""

import torch
from torch.nn import functional


def median(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Take medians over windows of 5 to 15 pixels.

    Of each window nine pixels are compared, at the full reach, then at half of it and side by
    side, which removes the pattern that the gaps leave.
    """
    reach = 2 + int(6 * float(torch.rand((), generator=generator)))
    for spacing in (reach, (reach + 1) // 2, 1):
        depth_m_11HW = median_of_nine(depth_m_11HW, spacing)
    return depth_m_11HW


def median_of_nine(map_B1HW: torch.Tensor, spacing: int) -> torch.Tensor:
    """
    Return the median of each pixel and its eight neighbours this many pixels away.

    With every column of three sorted, the median of nine is the median of the greatest low, the
    middle one of the middle and the least high value.
    """
    height, width = map_B1HW.shape[-2:]
    padded = functional.pad(map_B1HW, (spacing,) * 4, mode='replicate')
    rows = [padded[..., spacing * row : spacing * row + height, :] for row in range(3)]
    low, middle, high = _sorted(*rows)

    def beside(line: torch.Tensor) -> list[torch.Tensor]:
        return [line[..., spacing * column : spacing * column + width] for column in range(3)]

    greatest_low = torch.stack(beside(low)).amax(0)
    least_high = torch.stack(beside(high)).amin(0)
    return _sorted(greatest_low, _sorted(*beside(middle))[1], least_high)[1]


def _sorted(
    first: torch.Tensor, second: torch.Tensor, third: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    near, far = torch.minimum(first, second), torch.maximum(first, second)
    return (
        torch.minimum(near, third),
        torch.maximum(near, torch.minimum(far, third)),
        torch.maximum(far, third),
    )
