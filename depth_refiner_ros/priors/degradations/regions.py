# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Scale errors that differ from region to region.

A network misjudges each thing by itself. Such an error jumps where depth jumps, cannot be seen in
the image, and belongs to the target. Errors that jump where depth does not, along a pattern or
nothing at all, do not.
"""

from depth_refiner_ros.priors.degradations.fields import between, displaced
from depth_refiner_ros.priors.degradations.smeared import smear
import torch
from torch.nn import functional


def layered(depth_m_11HW: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """
    Scale depth by a smooth factor of column, row and log depth, 4 % around 1.

    It changes from layer to layer of six between the nearest and the farthest depth, so that it
    jumps along outlines and nowhere else.
    """
    height, width = depth_m_11HW.shape[-2:]
    logarithm = depth_m_11HW.log()
    near, far = logarithm.aminmax()
    layer = (logarithm[0, 0] - near) / (far - near).clamp_min(1e-3) * 2.0 - 1.0
    rows, columns = torch.linspace(-1.0, 1.0, height), torch.linspace(-1.0, 1.0, width)
    places = torch.stack(
        [
            columns[None, :].expand(height, width).to(layer),
            rows[:, None].expand(height, width).to(layer),
            layer,
        ],
        dim=-1,
    )
    grid = 0.04 * torch.randn(1, 1, 6, 3, 4, generator=generator)
    error = functional.grid_sample(
        grid.to(layer), places[None, None], padding_mode='border', align_corners=True
    )
    return depth_m_11HW * error[:, :, 0].exp()


def regions(
    depth_m_11HW: torch.Tensor, rgb_13HW: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Scale patches or bands of brightness by up to 1 to 4 % each, and blur by up to 6 pixels."""
    draw = torch.rand(4, generator=generator)
    amount = between(draw[0], 0.01, 0.04)
    if float(draw[1]) < 0.5:
        error = _patches(depth_m_11HW, 2 + int(4 * float(draw[2])), generator)
    else:
        error = _bands(rgb_13HW, between(draw[2], 3.0, 7.0), generator)
    error = error - error.median()  # the scale of the whole stays
    return smear(depth_m_11HW * (amount * error).exp(), between(draw[3], 1.0, 6.0))


def _patches(like_11HW: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one error for each of so many rows and columns of patches with wavy outlines."""
    height, width = like_11HW.shape[-2:]
    errors = 2.0 * torch.rand(1, 1, count, count + 1, generator=generator).to(like_11HW)
    patches = functional.interpolate(errors, size=(height, width), mode='nearest-exact')
    return displaced(patches, 0.2 * height / count, generator)


def _bands(rgb_13HW: torch.Tensor, count: float, generator: torch.Generator) -> torch.Tensor:
    """Draw one error for each band of brightness, which is averaged over 5 x 5 pixels."""
    brightness = functional.avg_pool2d(
        rgb_13HW.mean(1, keepdim=True), 5, stride=1, padding=2, count_include_pad=False
    )
    errors = 2.0 * torch.rand(8, generator=generator).to(brightness)
    return errors[(brightness * count).long().clamp(0, 7)]
