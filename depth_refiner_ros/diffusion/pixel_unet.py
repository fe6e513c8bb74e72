# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A UNet on unshuffled pixels that takes and returns maps of the image's size."""

from collections.abc import Callable

from depth_refiner_ros.diffusion.codec import packed, unpacked
from depth_refiner_ros.diffusion.folded_unet import FoldedUnet
import torch
from torch import nn


class PixelUnet(nn.Module):
    """
    A folded UNet with the packing of its cells inside, for backends.

    Packed outside, every pixel is copied twice, and a runtime copies it a third time into the
    layout of its convolutions. Inside, the runtime packs in that layout.

    :param unet: takes latents of :class:`~.codec.UnshuffleCodec` and after them any further cells
    :param factor: cell size in pixels
    :param latents: number of latents; inputs after them are cells already
    """

    def __init__(self, unet: FoldedUnet, factor: int, latents: int) -> None:
        super().__init__()
        self.unet = unet
        self.factor = factor
        self.latents = latents
        self.only_convolutions = unet.only_convolutions
        """Of the UNet inside, see :class:`FoldedUnet`."""

    def forward(self, *maps: torch.Tensor) -> torch.Tensor:
        """
        Return the UNet's output as a map.

        :param maps: for each latent (B, C, H, W), further inputs (B, C, h, w), in the UNet's order
        """
        return unpacked(self.unet(_sample(maps, self.factor, self.latents)), self.factor)

    def sample(self, *maps: torch.Tensor) -> torch.Tensor:
        """Return what the UNet takes for these maps."""
        return _sample(maps, self.factor, self.latents)

    def around(self, unet: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        """Return this network with the UNet run by a runtime that cannot pack."""
        return lambda *maps: unpacked(unet(self.sample(*maps)), self.factor)


def _sample(maps: tuple[torch.Tensor, ...], factor: int, latents: int) -> torch.Tensor:
    return torch.cat([*(packed(one, factor) for one in maps[:latents]), *maps[latents:]], dim=1)
