# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random numbers of the refiners."""

import torch
from torch.nn import functional

LEVELS = 10
"""Of multi-resolution noise at most."""


class KeptNoise:
    """
    The random draws of one seed, cached on the device where they are used.

    Every image uses the same draws, those of a batch too, whose depth thus is what each would
    have alone. So a draw is a constant: made on the CPU and copied once, it can be part of a CUDA
    graph. Each image size needs its own object, because draws are cached by their order.

    :param seed: of the :class:`torch.Generator` that makes the draws
    """

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._drawn: list[torch.Tensor] = []
        self._next = 0

    def rewound(self) -> 'KeptNoise':
        """Start again with the first draw."""
        self._next = 0
        return self

    def like(self, latent_BChw: torch.Tensor) -> torch.Tensor:
        """Return the next draw."""
        if self._next == len(self._drawn):
            self._drawn.append(gaussian_like(latent_BChw[:1], self._generator))
        self._next += 1
        drawn = self._drawn[self._next - 1]
        return drawn if len(latent_BChw) == 1 else drawn.expand_as(latent_BChw)


Source = torch.Generator | KeptNoise


def gaussian_like(latent_BChw: torch.Tensor, source: Source) -> torch.Tensor:
    """Draw on the CPU, so that one seed gives one depth on every device."""
    if isinstance(source, KeptNoise):
        return source.like(latent_BChw)
    return torch.randn(latent_BChw.shape, generator=source).to(latent_BChw)


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
