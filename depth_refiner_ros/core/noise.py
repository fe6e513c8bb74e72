# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random numbers that networks start from: the same for every image, on every device."""

import torch


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
