# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ApDepth's forward pass, deterministic, from prior and image latents to sharp depth (B.1)."""

from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch


def apdepth_inputs(
    network: OneStepNetwork,
    rgb_B3HW: torch.Tensor,
    unit_B1HW: torch.Tensor,
    known_B1HW: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """
    Return the network's inputs for the depth latent (eq. 6): prior, image and extra latents.

    :param rgb_B3HW: image in 0..1
    :param unit_B1HW: normalised prior, depth or disparity, filled everywhere
    :param known_B1HW: where the prior had a value, bool, or the share of each pixel
    """
    codec = network.codec
    return (
        codec.encode_depth(unit_B1HW),
        codec.encode_rgb(rgb_B3HW),
        network.condition(unit_B1HW, known_B1HW),
    )


def apdepth(
    network: OneStepNetwork,
    rgb_B3HW: torch.Tensor,
    unit_B1HW: torch.Tensor,
    known_B1HW: torch.Tensor,
) -> torch.Tensor:
    """
    Refine normalised depth; see :func:`apdepth_inputs` for the parameters.

    :return: refined normalised depth, same size; clipped if the spec says so
    """
    refined = network.on_pixels(rgb_B3HW, unit_B1HW, known_B1HW)
    if refined is not None:
        return refined
    return network.decode(network(*apdepth_inputs(network, rgb_B3HW, unit_B1HW, known_B1HW)))
