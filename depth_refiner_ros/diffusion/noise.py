# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Noise that Marigold is trained with."""

import torch
from torch.nn import functional

LEVELS = 10
"""Of multi-resolution noise at most."""


def pyramid_noise(
    latent_BChw: torch.Tensor, generator: torch.Generator, strength_B: torch.Tensor
) -> torch.Tensor:
    """
    Draw multi-resolution noise of deviation 1, as Marigold trains with.

    Each coarser level adds strength^level of noise at a random fraction of the size before.

    :param strength_B: of each image; 0 is Gaussian noise
    """
    noise = torch.randn(latent_BChw.shape, generator=generator)
    height, width = noise.shape[-2:]
    rows, columns = height, width
    for level in range(1, LEVELS + 1):
        shrink = 2.0 + 2.0 * float(torch.rand((), generator=generator))
        rows, columns = max(1, int(rows / shrink)), max(1, int(columns / shrink))
        coarse = torch.randn(*noise.shape[:2], rows, columns, generator=generator)
        fine = functional.interpolate(coarse, size=(height, width), mode='bilinear')
        noise = noise + strength_B.view(-1, 1, 1, 1) ** level * fine
        if rows == 1 or columns == 1:
            break
    noise = noise / noise.std(dim=(1, 2, 3), keepdim=True)
    return noise.to(latent_BChw)
