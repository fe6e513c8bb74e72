# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The small metric network behind the ``bundled`` prior.

It reads the image together with its viewing rays, so that one set of weights works for any field
of view, and predicts depth for a canonical camera (Metric3D, section 3.1): a thing of a given
size in pixels gets one canonical depth, which the true focal length turns into metres.
"""

from dataclasses import asdict, dataclass
import math
from typing import Any

from depth_refiner_ros.models.model_config import check_limits
import torch
from torch import nn
from torch.nn import functional

LIMITS = {
    'channels': (1, 4096),
    'blocks': (1, 64),
    'decoder_channels': (1, 4096),
    'input_width': (1, 8192),
    'input_height': (1, 8192),
    'canonical_focal_px': (1e-3, 1e5),
    'groups': (1, 4096),
}


@dataclass(frozen=True, kw_only=True)
class MetricNetworkConfig:
    """
    Shape of the network.

    :param channels: features at 1/2, 1/4, ... of the input
    :param blocks: residual blocks at each of these sizes
    :param decoder_channels: features of the decoder from the coarsest skip to 1/2
    :param input_width: columns of a 4:3 image at the network; other shapes get the same area
    :param input_height: rows of the same
    :param canonical_focal_px: focal length of the canonical camera at the network's input
    :param groups: groups of each group normalisation
    :param mirror: inference averages the log depth of the image and of the mirrored image
    """

    channels: tuple[int, ...] = (24, 48, 96, 160, 224)
    blocks: tuple[int, ...] = (1, 2, 2, 2, 2)
    decoder_channels: tuple[int, ...] = (128, 96, 64, 32)
    input_width: int = 256
    input_height: int = 192
    canonical_focal_px: float = 200.0
    groups: int = 8
    mirror: bool = False

    def __post_init__(self) -> None:
        check_limits(self, LIMITS)
        if not len(self.channels) == len(self.blocks) == len(self.decoder_channels) + 1:
            raise ValueError(
                f'channels, blocks and decoder_channels must have lengths n, n and n - 1: {self}'
            )

    @property
    def multiple(self) -> int:
        """Return the number that input rows and columns must be multiples of."""
        return int(2 ** len(self.channels))

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration for JSON."""
        return asdict(self)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions with group normalisation, added to a (projected) short cut."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(groups, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        # Its weight starts at 1: from 0, as is common for residual branches, nothing is learnt.
        self.norm2 = nn.GroupNorm(groups, outputs)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features to features at 1/stride of the size."""
        hidden = functional.silu(self.norm1(self.conv1(features)))
        return functional.silu(self.norm2(self.conv2(hidden)) + self.shortcut(features))


class GlobalContext(nn.Module):
    """One attention layer over the coarsest features, so that the whole room sets the scale."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(1, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Add to each position the attention over all others."""
        b, c, h, w = features.shape
        qkv = self.qkv(self.norm(features)).view(b, 3, self.heads, c // self.heads, h * w)
        query, key, value = qkv.transpose(-1, -2).unbind(1)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return features + self.out(mixed.transpose(-1, -2).reshape(b, c, h, w))


class MetricNetwork(nn.Module):
    """
    Maps image and rays to log depth of the canonical camera, at half the input's size.

    :param config: shape of the network
    """

    _keep_in_fp32_modules = ('head',)
    """Named as in diffusers and transformers, and read by the backends."""

    def __init__(self, config: MetricNetworkConfig) -> None:
        super().__init__()
        self.config = config
        channels, groups = config.channels, config.groups
        self.encoder = nn.ModuleList()
        inputs = 5
        for outputs, count in zip(channels, config.blocks):
            first = ResidualBlock(inputs, outputs, 2, groups)
            rest = [ResidualBlock(outputs, outputs, 1, groups) for _ in range(count - 1)]
            self.encoder.append(nn.Sequential(first, *rest))
            inputs = outputs
        self.context = GlobalContext(inputs)
        self.decoder = nn.ModuleList()
        for skip, outputs in zip(reversed(channels[:-1]), config.decoder_channels):
            self.decoder.append(ResidualBlock(inputs + skip, outputs, 1, groups))
            inputs = outputs
        self.head = nn.Conv2d(inputs, 1, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        self.head.bias.data.fill_(math.log(2.5))  # type: ignore[union-attr]  # a room's typical depth in metres

    def forward(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        """
        Predict canonical log depth.

        :param rgb_B3HW: image in 0..1, sides multiples of ``config.multiple``
        :param rays_B2HW: viewing rays (x/z, y/z) of the same pixels
        :return: ``log_depth_B1hw`` at half the size
        """
        skips = self.encode(rgb_B3HW, rays_B2HW)
        features = self.context(skips.pop())
        for stage in self.decoder:
            skip = skips.pop()
            features = functional.interpolate(features, size=skip.shape[-2:], mode='nearest')
            features = stage(torch.cat([features, skip], dim=1))
        # Half precision would quantise log depth to steps of one percent.
        with torch.autocast(features.device.type, enabled=False):
            return self.head(features.float())

    def encode(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> list[torch.Tensor]:
        """Return the encoder's features at 1/2, 1/4, ... of the input; see :meth:`forward`."""
        features, stages = torch.cat([rgb_B3HW * 4.0 - 2.0, rays_B2HW], dim=1), []
        for stage in self.encoder:
            features = stage(features)
            stages.append(features)
        return stages


def network_size(config: MetricNetworkConfig, width: int, height: int) -> tuple[int, int]:
    """
    Return the network's input size for an image: its aspect ratio, the configured area.

    :return: width and height, multiples of ``config.multiple``
    """
    scale = math.sqrt(config.input_width * config.input_height / (width * height))
    step = config.multiple
    return (
        max(step, round(width * scale / step) * step),
        max(step, round(height * scale / step) * step),
    )
