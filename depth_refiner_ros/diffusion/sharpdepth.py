"""SharpDepth's forward pass: a guess from noise, a difference map, a gated second pass (4.1)."""

from depth_refiner_ros.core.gating import difference_map, downsample_difference, gate_latent
from depth_refiner_ros.diffusion.one_step import OneStepNetwork
import torch


def alpha_bar(timestep: int) -> float:
    """Give Stable Diffusion 2's cumulative signal share: scaled linear betas, 1000 steps."""
    betas = torch.linspace(0.00085 ** 0.5, 0.012 ** 0.5, 1000, dtype=torch.float64).square()
    return float((1.0 - betas).cumprod(0)[timestep])


def sharpdepth(network: OneStepNetwork, rgb_B3HW: torch.Tensor, unit_B1HW: torch.Tensor,
               known_B1HW: torch.Tensor, generator: torch.Generator
               ) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Refine normalised depth where a depth diffusion model disagrees with it.

    :param rgb_B3HW: image in 0..1
    :param unit_B1HW: normalised metric prior d, filled everywhere
    :param known_B1HW: bool, where the prior had a value
    :param generator: both noise draws of an image come from it
    :return: refined normalised depth, unclipped, and the difference map e; same size
    """
    codec, recipe = network.codec, network.recipe
    image = codec.encode_rgb(rgb_B3HW)
    prior = codec.encode_depth(unit_B1HW)
    extra = network.condition(unit_B1HW, known_B1HW)
    noise = _noise(prior, generator)
    guess = network(noise, image, extra)
    disagreement = difference_map(unit_B1HW, codec.decode_depth(guess), preset=recipe.difference)
    fresh = _noise(prior, generator)
    if recipe.noise == 'noised_latent':
        share = alpha_bar(recipe.timestep)
        fresh = share ** 0.5 * guess + (1.0 - share) ** 0.5 * fresh
    cells = downsample_difference(disagreement, codec.factor,
                                  mode=recipe.difference_downsample)  # type: ignore[arg-type]
    refined = network(gate_latent(prior, cells, fresh), image, extra)
    return codec.decode_depth(refined), disagreement


def _noise(like: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    # Drawn on the CPU, so that one seed gives one depth on every device.
    return torch.randn(like.shape, generator=generator).to(like)
