# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An encoder that was made for images alone, as one of images and viewing rays."""

from depth_refiner_ros.priors.efficientnet_lite0 import CHANNELS, EfficientNetLite0
import torch
from torch import nn
from torch.nn import functional

RAYS = 2


class ImageEncoder(nn.Module):
    """
    EfficientNet-Lite0, with rays beside its features at every size.

    :param coarsest: channels that the coarsest features and rays are mixed down to
    """

    def __init__(self, coarsest: int) -> None:
        super().__init__()
        self.image = EfficientNetLite0()
        self.mix = nn.Conv2d(CHANNELS[-1] + RAYS, coarsest, 1)
        self.channels = (*(count + RAYS for count in CHANNELS[:-1]), coarsest)

    def forward(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> list[torch.Tensor]:
        """Return features at 1/2, 1/4, ... of the input, finest first."""
        levels = []
        # One layout and number format for both: else each convolution converts all of its inputs.
        rays = rays_B2HW.contiguous(memory_format=torch.channels_last)
        for features in self.image(rgb_B3HW):
            rays = functional.avg_pool2d(rays, 2)
            levels.append(torch.cat([features, rays.to(features.dtype)], dim=1))
        levels[-1] = self.mix(levels[-1])
        return levels
