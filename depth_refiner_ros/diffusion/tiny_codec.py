# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A small latent codec that replaces Stable Diffusion's autoencoder, for Jetson.

The encoder has the shape of the tiny autoencoder for Stable Diffusion; the decoder has one
channel instead of three, as depth needs no colors. Both use the scaled latents of the full
autoencoder, so its UNet works with them unchanged. Bundles may hold it as ``vae/`` of class
``AutoencoderTiny``. No weights of it are published or bundled; ``training/objectives/codec.py``
distils them from a refiner's own autoencoder.

Counted by torch for one image of 480 x 640, a multiply-add as two operations:

=================  ===============  =========  ===============  =========
autoencoder        encoder          GFLOP      decoder          GFLOP
=================  ===============  =========  ===============  =========
Stable Diffusion   34.2 M weights      1315.5  49.5 M weights      2953.6
tiny, width 64     1.22 M weights       143.3  1.22 M weights       164.9
tiny, width 32     0.31 M weights        36.1  0.31 M weights        41.3
=================  ===============  =========  ===============  =========
"""

from diffusers import AutoencoderTiny

WIDTH = 64
PARAMETERS = 2_443_909
"""Weights at that width: 1,222,532 in the encoder, 1,221,377 in the decoder."""


def tiny_depth_vae(
    width: int = WIDTH, *, latent_channels: int = 4, levels: int = 4
) -> AutoencoderTiny:
    """
    Build the codec with random weights, for :class:`~.codec.VaeCodec`.

    Its latents need no factor, because they are those of the full autoencoder after scaling.

    :param width: features of every layer; a multiple of 8 suits the GPU
    :param latent_channels: of the full autoencoder
    :param levels: a latent cell has 2^(levels - 1) pixels on an edge
    """
    widths, deeper = (width,) * levels, (3,) * (levels - 1)
    return AutoencoderTiny(
        in_channels=3,
        out_channels=1,
        latent_channels=latent_channels,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=(1, *deeper),
        num_decoder_blocks=(*deeper, 1),
    )
