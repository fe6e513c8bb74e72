"""The one place where refiners draw."""

import torch


def gaussian_like(latent_BChw: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw on the CPU, so that one seed gives one depth on every device."""
    return torch.randn(latent_BChw.shape, generator=generator).to(latent_BChw)
