# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Simulated camera effects: exposure, tint, contrast, blur and noise, drawn per image."""

import torch
from torch.nn import functional


def photometric(
    rgb_B3HW: torch.Tensor, strength: float, generator: torch.Generator
) -> torch.Tensor:
    """
    Change colors at random.

    :param rgb_B3HW: color in 0..1
    :param strength: 0 changes nothing, 1 simulates a cheap camera in changing light
    :param generator: on the CPU
    :return: color in 0..1
    """
    if strength == 0.0:
        return rgb_B3HW
    batch = rgb_B3HW.shape[0]

    def draw(spread: float, channels: int = 1) -> torch.Tensor:
        noise = torch.randn(batch, channels, 1, 1, generator=generator)
        return (noise * (spread * strength)).to(rgb_B3HW)

    gamma = draw(0.25).exp()
    image = rgb_B3HW.clamp_min(1e-4).pow(gamma) * draw(0.25).exp() * draw(0.08, 3).exp()
    grey = image.mean(dim=1, keepdim=True)
    image = grey + (image - grey) * draw(0.3).exp()
    middle = image.mean(dim=(1, 2, 3), keepdim=True)
    image = middle + (image - middle) * draw(0.2).exp()
    image = _blur_some(image, min(1.0, strength), generator)
    noise = torch.randn(image.shape, generator=generator).to(image)
    return (image + noise * draw(0.02).abs()).clamp(0.0, 1.0)


def _blur_some(image: torch.Tensor, most: float, generator: torch.Generator) -> torch.Tensor:
    """Blur each image by a random amount, most of them only slightly."""
    amount = torch.rand(image.shape[0], 1, 1, 1, generator=generator).square() * most
    padded = functional.pad(image, (1, 1, 1, 1), mode='replicate')
    return torch.lerp(image, functional.avg_pool2d(padded, 3, 1), amount.to(image))
