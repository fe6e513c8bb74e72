# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How alike two images are: PSNR and SSIM (Wang et al. 2004), with gradients; the loss of 3DGS."""

import torch
from torch.nn import functional

WINDOW_PX, SIGMA_PX = 11, 1.5
STEADY_MEAN, STEADY_SPREAD = 0.01**2, 0.03**2
STRUCTURE_SHARE = 0.2
"""Lambda of Kerbl et al. 2023, equation 7."""


def psnr_db(seen_HW3: torch.Tensor, true_HW3: torch.Tensor) -> float:
    """Return the peak signal-to-noise ratio of an image in 0..1, infinite for equal ones."""
    error = torch.mean((seen_HW3.clamp(0, 1) - true_HW3).double() ** 2)
    return float(-10.0 * torch.log10(error))


def ssim(seen_HW3: torch.Tensor, true_HW3: torch.Tensor) -> torch.Tensor:
    """
    Return the mean structural similarity where the Gaussian window fits into the image.

    :param seen_HW3: values in 0..1, at least 11 pixels on each side
    """
    axis = torch.arange(WINDOW_PX, dtype=seen_HW3.dtype, device=seen_HW3.device) - WINDOW_PX // 2
    bell = torch.exp(-0.5 * (axis / SIGMA_PX) ** 2)
    bell = bell / bell.sum()
    a, b = seen_HW3.permute(2, 0, 1), true_HW3.permute(2, 0, 1)
    stack = torch.stack([a, b, a * a, b * b, a * b]).flatten(0, 1)[:, None]
    stack = functional.conv2d(stack, bell.view(1, 1, -1, 1))
    stack = functional.conv2d(stack, bell.view(1, 1, 1, -1))
    mean_a, mean_b, aa, bb, ab = stack[:, 0].unflatten(0, (5, 3))
    spread_a, spread_b = aa - mean_a * mean_a, bb - mean_b * mean_b
    common = ab - mean_a * mean_b
    alike = (2 * mean_a * mean_b + STEADY_MEAN) * (2 * common + STEADY_SPREAD)
    size = (mean_a**2 + mean_b**2 + STEADY_MEAN) * (spread_a + spread_b + STEADY_SPREAD)
    return (alike / size).mean()


def photometric_loss(seen_HW3: torch.Tensor, true_HW3: torch.Tensor) -> torch.Tensor:
    """Return ``(1 - lambda) L1 + lambda (1 - SSIM)``, equation 7 of Kerbl et al. 2023."""
    absolute = (seen_HW3 - true_HW3).abs().mean()
    return (1 - STRUCTURE_SHARE) * absolute + STRUCTURE_SHARE * (1 - ssim(seen_HW3, true_HW3))
