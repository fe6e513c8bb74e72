# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""SharpDepth's forward pass: a guess from noise, a difference map, a gated second pass (4.1)."""

from depth_refiner_ros.core.gating import difference_map, downsample_difference, gate_latent
from depth_refiner_ros.diffusion.noise import gaussian_like, Source
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
    :param known_B1HW: bool, where the prior had a value
    :param generator: source of both noise draws of an image
    :return: refined normalised depth and the difference map e; same size
    """
    codec, spec = network.codec, network.spec
    image = codec.encode_rgb(rgb_B3HW)
    prior = codec.encode_depth(unit_B1HW)
    extra = network.condition(unit_B1HW, known_B1HW)
    noise = gaussian_like(prior, generator)
    guess = network(noise, image, extra, guess=True)
    disagreement = difference_map(unit_B1HW, network.decode(guess), rule=spec.difference_rule)
    fresh = gaussian_like(prior, generator)
    if spec.noise == 'noised_latent':
        share = network.alpha_bar
        fresh = share**0.5 * guess + (1.0 - share) ** 0.5 * fresh
    cells = downsample_difference(disagreement, codec.factor, mode=spec.difference_downsample)  # type: ignore[arg-type]
    refined = network(gate_latent(prior, cells, fresh), image, extra)
    return network.decode(refined), disagreement
