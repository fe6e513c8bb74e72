# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Convert image and depth to latents and back; only this module uses a VAE's scaling factor.

Two codecs share one protocol. ``vae`` is Stable Diffusion's (or its tiny distilled relative);
``unshuffle`` moves each cell of pixels into channels, which is invertible, free of weights and
costs no decoder - the decoder is over half the operations of a one-step latent refiner.
"""

from collections.abc import Callable
import copy
from typing import Any, Protocol

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import Prepare
import torch
from torch import nn


class LatentCodec(Protocol):
    """
    Interface of a codec for one-step refiners.

    ``factor`` is the cell size in pixels; image sides must be multiples of it.
    """

    factor: int
    depth_channels: int
    rgb_channels: int

    def attach_backend(self, prepare: Prepare) -> None:
        """Run networks by a backend from now on."""

    def encode_rgb(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode an image in 0..1."""

    def encode_depth(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Encode normalised depth."""

    def decode_depth(self, latent_BChw: torch.Tensor, *, clip: bool = False) -> torch.Tensor:
        """
        Decode to normalised depth.

        :param clip: cut each decoded channel at -1 and 1 before their mean (Lotus)
        """


class UnshuffleCodec:
    """
    Invertible codec: the pixels of each cell become channels.

    :param factor: cell size in pixels
    """

    def __init__(self, factor: int) -> None:
        if factor < 1:
            raise InputError(f'unshuffle factor {factor} must be at least 1')
        self.factor = factor
        self.depth_channels = factor * factor
        self.rgb_channels = 3 * factor * factor

    def attach_backend(self, prepare: Prepare) -> None:
        """Do nothing: this codec has no network."""

    def encode_rgb(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode an image in 0..1 as [-1, 1] cells."""
        return packed(signed(rgb_B3HW), self.factor)

    def encode_depth(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Encode normalised depth as cells."""
        return packed(unit_B1HW, self.factor)

    def decode_depth(self, latent_BChw: torch.Tensor, *, clip: bool = False) -> torch.Tensor:
        """Put the cells' pixels back in place."""
        pixels = unpacked(latent_BChw, self.factor)
        return pixels.clamp(-1.0, 1.0) if clip else pixels


def signed(rgb_B3HW: torch.Tensor) -> torch.Tensor:
    """Return an image in -1..1 from one in 0..1, in one pass."""
    return torch.add(rgb_B3HW.new_full((), -1.0), rgb_B3HW, alpha=2.0)


def packed(maps_BCHW: torch.Tensor, factor: int) -> torch.Tensor:
    """Return a copy as ``pixel_unshuffle`` does, on a CPU in a third of its time."""
    cells = maps_BCHW.unflatten(3, (-1, factor)).unflatten(2, (-1, factor))
    new = cells.permute(0, 1, 3, 5, 2, 4).clone(memory_format=torch.contiguous_format)
    return new.flatten(1, 3)


def unpacked(cells_BChw: torch.Tensor, factor: int) -> torch.Tensor:
    """Return the maps of :func:`packed` again."""
    cells = cells_BChw.unflatten(1, (-1, factor, factor))
    return cells.permute(0, 1, 4, 2, 5, 3).flatten(2, 3).flatten(3, 4)


class VaeCodec(nn.Module):
    """
    Latents of a diffusers autoencoder: posterior mean times its scaling factor.

    Depth is repeated to three channels and the decoded channels are averaged, as in the whole
    Marigold family. Values are clamped only on request, so gradients and overshoot are kept.

    :param vae: ``AutoencoderKL`` or ``AutoencoderTiny``
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae
        self.scaling_factor = float(vae.config.scaling_factor)
        levels = len(
            vae.config.block_out_channels
            if hasattr(vae.config, 'block_out_channels')
            else vae.config.encoder_block_out_channels
        )
        self.factor = 2 ** (levels - 1)
        self.depth_channels = int(vae.config.latent_channels)
        self.rgb_channels = self.depth_channels
        # In a tuple, which torch does not search: their weights are already registered above.
        self._networks: tuple[Callable[..., Any], ...] = (VaeEncoder(vae), VaeDecoder(vae))

    def attach_backend(self, prepare: Prepare) -> None:
        """Run encoder and decoder by a backend from now on."""
        self._networks = (
            prepare(VaeEncoder(self.vae), 'vae_encoder'),
            prepare(VaeDecoder(self.vae), 'vae_decoder'),
        )

    def encode_rgb(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode an image in 0..1."""
        return self._encode(signed(rgb_B3HW))

    def encode_depth(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Encode depth in [-1, 1]."""
        return self._encode(unit_B1HW.expand(-1, 3, -1, -1))

    def decode_depth(self, latent_BChw: torch.Tensor, *, clip: bool = False) -> torch.Tensor:
        """Decode and average the channels, of which a depth decoder has only one."""
        pixels = self._networks[1](latent_BChw / self.scaling_factor)
        return (pixels.clamp(-1.0, 1.0) if clip else pixels).mean(dim=1, keepdim=True)

    def _encode(self, image_B3HW: torch.Tensor) -> torch.Tensor:
        latent: torch.Tensor = self._networks[0](image_B3HW)
        return latent * self.scaling_factor


class VaeEncoder(nn.Module):
    """
    The encoding half of an autoencoder: maps an image in -1..1 to the unscaled posterior mean.

    :param vae: shares its weights with this module
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = _without(vae, 'decoder', 'post_quant_conv')

    def forward(self, image_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode."""
        encoded = self.vae.encode(image_B3HW)
        latent: torch.Tensor = (
            encoded.latent_dist.mean if hasattr(encoded, 'latent_dist') else encoded.latents
        )
        return latent


class VaeDecoder(nn.Module):
    """
    The decoding half of an autoencoder: maps an unscaled latent to channels around -1..1.

    :param vae: shares its weights with this module
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = _without(vae, 'encoder', 'quant_conv')

    def forward(self, latent_BChw: torch.Tensor) -> torch.Tensor:
        """Decode."""
        pixels: torch.Tensor = self.vae.decode(latent_BChw).sample
        return pixels


def _without(vae: Any, *names: str) -> Any:
    """Return the autoencoder without some parts; the others are shared."""
    part = copy.copy(vae)
    part._modules = {name: child for name, child in vae._modules.items() if name not in names}
    return part
