# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The small metric network behind the ``bundled`` prior.

It reads the image together with its viewing rays, so that one set of weights works for any field
of view, and predicts depth for a canonical camera (Metric3D, section 3.1): a thing of a given
size in pixels gets one canonical depth, which the true focal length turns into metres.
"""

from dataclasses import asdict, dataclass, replace
import math
from typing import Any

from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.model_config import check_limits
from depth_refiner_ros.priors.convex_upsampling import ConvexUpsampling, upsampled
from depth_refiner_ros.priors.efficientnet_lite0 import CHANNELS
from depth_refiner_ros.priors.image_encoder import ImageEncoder
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
    'coarsest_channels': (4, 4096),
    'upsampling': (1, 16),
    'scales': (0.25, 4.0),
}
RAYS_AND_IMAGE, LITE0 = 'rays', 'efficientnet_lite0'
ENCODERS = (RAYS_AND_IMAGE, LITE0)
TYPICAL_M = 2.5
"""Depth of a room, which an untrained network says."""
TYPICAL_SPREAD = 0.3
"""Mean absolute log error that it says of it."""


@dataclass(frozen=True, kw_only=True)
class MetricNetworkConfig:
    """
    Shape of the network.

    :param channels: features of the encoder ``rays`` at 1/2, 1/4, ... of the input
    :param blocks: its residual blocks at each of these sizes
    :param decoder_channels: features of the decoder from the second coarsest size on, to 1/2
        unless there is learned upsampling
    :param input_width: columns of a 4:3 image at the network; other shapes get the same area
    :param input_height: rows of the same
    :param canonical_focal_px: focal length of the canonical camera at the network's input
    :param groups: groups of each group normalisation
    :param mirror: inference averages the log depth of the image and of the mirrored image
    :param encoder: ``rays``, which reads image and rays together, or ``efficientnet_lite0``, which
        can start from ImageNet's weights and leaves the rays to the decoder
    :param coarsest_channels: what its coarsest features and the rays are mixed down to
    :param upsampling: the decoder's last size times this is the output's, by learned convex
        combinations; 1 for none
    :param uncertainty: a second output, the log of the expected absolute error of log depth
    :param scales: inference averages over inputs of these multiples of the input size
    :param in_turn: with ``mirror``, the first of them sees the image, the second the mirrored
        image, and so on, instead of each both
    """

    channels: tuple[int, ...] = (24, 48, 96, 160, 224)
    blocks: tuple[int, ...] = (1, 2, 2, 2, 2)
    decoder_channels: tuple[int, ...] = (128, 96, 64, 32)
    input_width: int = 256
    input_height: int = 192
    canonical_focal_px: float = 200.0
    groups: int = 8
    mirror: bool = False
    encoder: str = RAYS_AND_IMAGE
    coarsest_channels: int = 160
    upsampling: int = 1
    uncertainty: bool = False
    scales: tuple[float, ...] = (1.0,)
    in_turn: bool = False

    def __post_init__(self) -> None:
        check_limits(self, LIMITS)
        if self.in_turn and not (self.mirror and len(self.scales) > 1):
            raise ValueError('in_turn needs mirror and two scales or more')
        if self.encoder not in ENCODERS:
            raise ValueError(
                f'encoder = {shown(self.encoder)} must be one of {", ".join(ENCODERS)}'
            )
        if len(self.channels) != len(self.blocks):
            raise ValueError(f'channels and blocks must have the same length: {self}')
        stages, most = len(self.decoder_channels), self.sizes - 1
        if self.upsampling == 1 and stages != most:
            raise ValueError(f'decoder_channels must have length {most}: {self}')
        if self.upsampling > 1 and stages >= most:  # it needs finer features than the decoder's
            raise ValueError(f'decoder_channels must have a length below {most}: {self}')

    @property
    def looks(self) -> tuple[tuple[float, tuple[bool, ...]], ...]:
        """Return what inference averages: each input size, and with it mirrored or not."""
        if not self.mirror:
            return tuple((scale, (False,)) for scale in self.scales)
        if not self.in_turn:
            return tuple((scale, (False, True)) for scale in self.scales)
        return tuple((scale, (bool(number % 2),)) for number, scale in enumerate(self.scales))

    def with_one_look(self) -> 'MetricNetworkConfig':
        """Return the configuration for inference that sees the image once, at its largest size."""
        return replace(self, mirror=False, scales=(max(self.scales),), in_turn=False)

    @property
    def sizes(self) -> int:
        """Return the number of sizes of the encoder, each half of the one before."""
        return len(CHANNELS) if self.encoder == LITE0 else len(self.channels)

    @property
    def multiple(self) -> int:
        """Return the number that input rows and columns must be multiples of."""
        return int(2**self.sizes)

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


class RayEncoder(nn.ModuleList):
    """Residual blocks that read image and rays together."""

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...], groups: int) -> None:
        super().__init__()
        self.channels = channels
        inputs = 5
        for outputs, count in zip(channels, blocks):
            first = ResidualBlock(inputs, outputs, 2, groups)
            rest = [ResidualBlock(outputs, outputs, 1, groups) for _ in range(count - 1)]
            self.append(nn.Sequential(first, *rest))
            inputs = outputs

    def forward(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> list[torch.Tensor]:
        """Return features at 1/2, 1/4, ... of the input, finest first."""
        features, levels = torch.cat([rgb_B3HW * 4.0 - 2.0, rays_B2HW], dim=1), []
        for stage in self:
            features = stage(features)
            levels.append(features)
        return levels


class MetricNetwork(nn.Module):
    """
    Maps image and rays to log depth of the canonical camera, and to how far it may be off.

    :param config: shape of the network
    """

    _keep_in_fp32_modules = ('head',)
    """Named as in diffusers and transformers, and read by the backends."""

    def __init__(self, config: MetricNetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder: RayEncoder | ImageEncoder
        if config.encoder == LITE0:
            self.encoder = ImageEncoder(config.coarsest_channels)
        else:
            self.encoder = RayEncoder(config.channels, config.blocks, config.groups)
        *skips, inputs = self.encoder.channels
        self.context = GlobalContext(inputs)
        self.decoder = nn.ModuleList()
        for outputs in config.decoder_channels:
            self.decoder.append(ResidualBlock(inputs + skips.pop(), outputs, 1, config.groups))
            inputs = outputs
        self.head = nn.Conv2d(inputs, 2 if config.uncertainty else 1, 3, 1, 1)
        nn.init.zeros_(self.head.weight)
        start = torch.tensor([math.log(TYPICAL_M), math.log(TYPICAL_SPREAD)])
        self.head.bias = nn.Parameter(start[: self.head.out_channels])
        self.upsampling = None
        if config.upsampling > 1:
            self.upsampling = ConvexUpsampling(inputs, skips[-1], config.upsampling)

    @property
    def shapes_per_size(self) -> int:
        """Return how many shapes of inputs an image of one size makes."""
        return len(self.config.looks)

    def forward(self, rgb_B3HW: torch.Tensor, rays_B2HW: torch.Tensor) -> torch.Tensor:
        """
        Predict canonical log depth.

        :param rgb_B3HW: image in 0..1, sides multiples of ``config.multiple``
        :param rays_B2HW: viewing rays (x/z, y/z) of the same pixels
        :return: ``log_depth_B1hw``, at half the size unless there is learned upsampling; with
            ``uncertainty`` a second channel, the log of its expected absolute error
        """
        levels = self.encoder(rgb_B3HW, rays_B2HW)
        features = self.context(levels.pop())
        for stage in self.decoder:
            skip = levels.pop()
            features = functional.interpolate(features, size=skip.shape[-2:], mode='nearest')
            features = stage(torch.cat([features, skip], dim=1))
        mixing = None if self.upsampling is None else self.upsampling(features, levels[-1])
        # Half precision would quantise log depth to steps of one percent.
        with torch.autocast(features.device.type, enabled=False):
            maps = self.head(features.float())
            return maps if mixing is None else upsampled(maps, mixing.float())


def network_size(
    config: MetricNetworkConfig, width: int, height: int, multiple: float = 1.0
) -> tuple[int, int]:
    """
    Return the network's input size for an image: its aspect ratio, the configured area.

    :param multiple: of the configured sides
    :return: width and height, multiples of ``config.multiple``
    """
    scale = multiple * math.sqrt(config.input_width * config.input_height / (width * height))
    step = config.multiple
    return (
        max(step, round(width * scale / step) * step),
        max(step, round(height * scale / step) * step),
    )
