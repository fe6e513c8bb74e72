"""ApDepth's forward pass: prior and image latents in, sharp depth out, deterministic (B.1)."""

from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch


def apdepth_latent(network: OneStepNetwork, rgb_B3HW: torch.Tensor, unit_B1HW: torch.Tensor,
                   known_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Predict the depth latent from [prior latent, image latent] at the fixed timestep (eq. 6).

    :param rgb_B3HW: image in 0..1
    :param unit_B1HW: normalised prior depth, filled everywhere
    :param known_B1HW: bool, where the prior had a value
    """
    codec = network.codec
    return network(codec.encode_depth(unit_B1HW), codec.encode_rgb(rgb_B3HW),
                   network.condition(unit_B1HW, known_B1HW))


def apdepth(network: OneStepNetwork, rgb_B3HW: torch.Tensor, unit_B1HW: torch.Tensor,
            known_B1HW: torch.Tensor) -> torch.Tensor:
    """
    Refine normalised depth; see :func:`apdepth_latent` for the parameters.

    :return: refined normalised depth, unclipped, same size
    """
    return network.codec.decode_depth(apdepth_latent(network, rgb_B3HW, unit_B1HW, known_B1HW))
