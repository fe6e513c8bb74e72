# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A small latent codec that replaces Stable Diffusion's autoencoder, for Jetson.

The encoder has the shape of the tiny autoencoder for Stable Diffusion; the decoder has one
channel instead of three, as depth needs no colors. Both use the scaled latents of the full
autoencoder, so its UNet works with them unchanged. Bundles may hold it as ``vae/`` of class
``AutoencoderTiny``. No weights of it are published or bundled: here it is built with random
weights, to measure and export.

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


def tiny_depth_vae(width: int = WIDTH) -> AutoencoderTiny:
    """
    Build the codec with random weights, for :class:`~.codec.VaeCodec`.

    Its latents need no factor, because they are those of the full autoencoder after scaling.

    :param width: features of every layer; a multiple of 8 suits the GPU
    """
    widths = (width,) * 4
    return AutoencoderTiny(
        in_channels=3,
        out_channels=1,
        latent_channels=4,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=(1, 3, 3, 3),
        num_decoder_blocks=(3, 3, 3, 1),
    )
