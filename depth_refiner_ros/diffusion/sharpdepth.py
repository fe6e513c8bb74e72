# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""SharpDepth's forward pass: a guess from noise, a difference map, a gated second pass (4.1)."""

from depth_refiner_ros.core.gating import difference_map, downsample_difference, gate_latent
from depth_refiner_ros.core.noise import gaussian_like, Source
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch


def sharpdepth(
    network: OneStepNetwork,
    rgb_B3HW: torch.Tensor,
    unit_B1HW: torch.Tensor,
    known_B1HW: torch.Tensor,
    generator: Source,
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Refine normalised depth where a depth diffusion model disagrees with it.

    :param rgb_B3HW: image in 0..1
    :param unit_B1HW: normalised metric prior d, filled everywhere
    :param known_B1HW: where the prior had a value, bool, or the share of each pixel
    :param generator: source of both noise draws of an image
    :return: refined normalised depth and the difference map e; same size
    """
    codec = network.codec
    image = codec.encode_rgb(rgb_B3HW)
    prior = codec.encode_depth(unit_B1HW)
    extra = network.condition(unit_B1HW, known_B1HW)
    guess = network(gaussian_like(prior, generator), image, extra, guess=True)
    difference = difference_map(
        unit_B1HW, network.decode(guess), rule=network.spec.difference_rule
    )
    gated = gated_latent(network, prior, difference, guess, generator)
    return network.decode(network(gated, image, extra)), difference


def gated_latent(
    network: OneStepNetwork,
    prior_BChw: torch.Tensor,
    difference_B1HW: torch.Tensor,
    guess_BChw: torch.Tensor,
    generator: Source,
) -> torch.Tensor:
    """
    Return the prior's latent with noise where the difference is large (eq. 4).

    :param prior_BChw: z_d
    :param difference_B1HW: e
    :param guess_BChw: the first pass's latent, of which the official code's noise is made
    """
    spec = network.spec
    noise = gaussian_like(prior_BChw, generator)
    if spec.noise == 'noised_latent':
        share = network.alpha_bar
        noise = share**0.5 * guess_BChw + (1.0 - share) ** 0.5 * noise
    cells = downsample_difference(
        difference_B1HW,
        network.codec.factor,
        mode=spec.difference_downsample,  # type: ignore[arg-type]
    )
    return gate_latent(prior_BChw, cells, noise)
