"""
Image and depth to latents and back: the only place that knows a VAE's scaling factor.

Two codecs share one protocol. ``vae`` is Stable Diffusion's (or its tiny distilled relative);
``unshuffle`` moves each cell of pixels into channels, which is invertible, free of weights and
costs no decoder - the decoder is over half the operations of a one-step latent refiner.
"""

from typing import Any, Protocol

from depth_refiner_ros.core.errors import InputError
import torch
from torch import nn
from torch.nn import functional


class LatentCodec(Protocol):
    """
    What a one-step refiner needs of a codec.

    ``factor`` is the cell size in pixels; image sides must be multiples of it.
    """

    factor: int
    depth_channels: int
    rgb_channels: int

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

    def encode_rgb(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode an image in 0..1 as [-1, 1] cells."""
        return functional.pixel_unshuffle(rgb_B3HW * 2.0 - 1.0, self.factor)

    def encode_depth(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Encode normalised depth as cells."""
        return functional.pixel_unshuffle(unit_B1HW, self.factor)

    def decode_depth(self, latent_BChw: torch.Tensor, *, clip: bool = False) -> torch.Tensor:
        """Put the cells' pixels back in place."""
        pixels = functional.pixel_shuffle(latent_BChw, self.factor)
        return pixels.clamp(-1.0, 1.0) if clip else pixels


class VaeCodec(nn.Module):
    """
    Latents of a diffusers autoencoder: posterior mean times its scaling factor.

    Depth is repeated to three channels and the decoded channels are averaged, as all the
    Marigold family does; nothing is clamped unasked, so gradients and overshoot survive.

    :param vae: ``AutoencoderKL`` or ``AutoencoderTiny``
    """

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae
        self.scaling_factor = float(vae.config.scaling_factor)
        levels = len(vae.config.block_out_channels
                     if hasattr(vae.config, 'block_out_channels')
                     else vae.config.encoder_block_out_channels)
        self.factor = 2 ** (levels - 1)
        self.depth_channels = int(vae.config.latent_channels)
        self.rgb_channels = self.depth_channels

    def encode_rgb(self, rgb_B3HW: torch.Tensor) -> torch.Tensor:
        """Encode an image in 0..1."""
        return self._encode(rgb_B3HW * 2.0 - 1.0)

    def encode_depth(self, unit_B1HW: torch.Tensor) -> torch.Tensor:
        """Encode depth in [-1, 1]."""
        return self._encode(unit_B1HW.expand(-1, 3, -1, -1))

    def decode_depth(self, latent_BChw: torch.Tensor, *, clip: bool = False) -> torch.Tensor:
        """Decode and average the channels, of which a depth decoder has only one."""
        pixels = self.vae.decode(latent_BChw / self.scaling_factor).sample
        return (pixels.clamp(-1.0, 1.0) if clip else pixels).mean(dim=1, keepdim=True)

    def _encode(self, image_B3HW: torch.Tensor) -> torch.Tensor:
        encoded = self.vae.encode(image_B3HW)
        if hasattr(encoded, 'latent_dist'):
            return encoded.latent_dist.mean * self.scaling_factor
        return encoded.latents * self.scaling_factor
