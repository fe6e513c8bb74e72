# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The network of MoGe-2 (arXiv 2507.02546): a point map up to a shift, its mask and its scale.

DINOv2 reads the image; one pyramid of convolutions, shared by the heads, grows its features from
one to sixteen per patch side. At each level it also reads where on the image plane a pixel lies,
in units of half the image's diagonal, which tells it the aspect ratio.
"""

from dataclasses import asdict, dataclass
import itertools
import math
from typing import Any

from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.models.model_config import check_limits
from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
from depth_refiner_ros.priors.transformers_model import InFloat32
import torch
from torch import nn
from torch.nn import functional

OUTPUTS = ('linear', 'sinh', 'exp', 'sinh_exp')
"""What turns the numbers of the point head into x, y and z; see :func:`points_of`."""
LIMITS = {
    'width': (2, 4096),
    'layers': (1, 64),
    'heads': (1, 64),
    'taps': (0, 63),
    'features': (1, 4096),
    'channels': (1, 4096),
    'neck_blocks': (0, 16),
    'head_blocks': (0, 16),
    'scale_widths': (1, 8192),
    'most_tokens': (1, 100_000),
}


@dataclass(frozen=True, kw_only=True)
class MoGe2Config:
    """
    Shape of the network.

    :param width: features of the encoder
    :param layers: its transformer layers
    :param heads: its attention heads
    :param taps: layers, counted from 0, whose outputs are added up
    :param features: to which each of them is projected first
    :param channels: of the pyramid, from one to sixteen pixels per patch side
    :param neck_blocks: residual blocks at each of its levels
    :param head_blocks: the same in the heads for points and mask
    :param scale_widths: of the layers from the class token to the logarithm of the scale
    :param output: one of :data:`OUTPUTS`
    :param most_tokens: patches of an image, as many as in its training
    """

    width: int
    layers: int
    heads: int
    taps: tuple[int, ...]
    features: int
    channels: tuple[int, ...]
    neck_blocks: tuple[int, ...]
    head_blocks: tuple[int, ...]
    scale_widths: tuple[int, ...]
    output: str = 'exp'
    most_tokens: int = 3600

    def __post_init__(self) -> None:
        check_limits(self, LIMITS)
        if self.output not in OUTPUTS:
            raise ValueError(f'output = {shown(self.output)} is not one of {", ".join(OUTPUTS)}')
        if not len(self.channels) == len(self.neck_blocks) == len(self.head_blocks) >= 2:
            raise ValueError(
                'channels, neck_blocks and head_blocks must be of one length, 2 or more'
            )
        if self.width % self.heads or self.scale_widths[0] != self.width:
            raise ValueError(f'width = {self.width} must be that of scale_widths and whole heads')
        if list(self.taps) != sorted(set(self.taps)) or self.taps[-1] != self.layers - 1:
            raise ValueError(f'taps = {self.taps} must rise to the last layer, {self.layers - 1}')

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration for JSON."""
        return asdict(self)


class ResidualPair(nn.Module):
    """Two 3 x 3 convolutions, each behind a ReLU, added to their input; nothing is normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features to features of the same shape."""
        hidden = self.first(functional.relu(features))
        return features + self.second(functional.relu(hidden))


class Doubling(nn.Module):
    """
    Twice as many rows and columns, then a 3 x 3 convolution.

    :param learnt: by a transposed convolution instead of bilinear interpolation
    """

    def __init__(self, inputs: int, outputs: int, *, learnt: bool) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(inputs, outputs, 2, 2) if learnt else None
        self.smooth = _convolution(outputs if learnt else inputs, outputs)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Map features to features of twice the size."""
        if self.up is None:
            larger = functional.interpolate(features, scale_factor=2.0, mode='bilinear')
        else:
            larger = self.up(features)
        return self.smooth(larger)


class Pyramid(nn.Module):
    """
    Adds what comes in at each level to what has grown from the level below.

    :param inputs: channels that come in, from the coarsest level
    :param channels: of its own levels
    :param blocks: residual blocks at each level
    """

    def __init__(
        self, inputs: tuple[int, ...], channels: tuple[int, ...], blocks: tuple[int, ...]
    ) -> None:
        super().__init__()
        steps = list(itertools.pairwise(channels))
        self.enter = nn.ModuleList(
            nn.Conv2d(given, own, 1) for given, own in zip(inputs, channels)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ResidualPair(own) for _ in range(count)))
            for own, count in zip(channels, blocks)
        )
        self.grow = nn.ModuleList(
            Doubling(below, above, learnt=step < len(steps) - 1)
            for step, (below, above) in enumerate(steps)
        )

    def forward(self, given: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the features of all levels, each of twice the size of the one before."""
        levels: list[torch.Tensor] = []
        for level, (enter, blocks) in enumerate(zip(self.enter, self.blocks)):
            features = enter(given[level])
            if levels:
                features = features + self.grow[level - 1](levels[-1])
            levels.append(blocks(features))
        return levels


class MapHead(nn.Module):
    """
    A pyramid of its own and a last layer in fp32: half precision would quantise log depth.

    :param channels: of the pyramid that it reads, and of its own
    """

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(channels, channels, blocks)
        self.last = InFloat32(nn.Conv2d(channels[-1], outputs, 1))

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """Return the map at the size of the finest level."""
        found: torch.Tensor = self.last(self.pyramid(levels)[-1])
        return found


class Encoder(nn.Module):
    """
    DINOv2, whose outputs after some layers are normalised, projected and added up.

    :param dinov2: that gives these outputs
    :param width: features of each of its tokens
    :param features: of the sum
    """

    def __init__(self, dinov2: Dinov2, width: int, features: int) -> None:
        super().__init__()
        self.dinov2 = dinov2
        self.projections = nn.ModuleList(nn.Conv2d(width, features, 1) for _ in dinov2.taps)

    def forward(self, pixels_B3hw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the features of each patch, and the class token of the last layer."""
        grid = pixels_B3hw.shape[-2] // PATCH_PX, pixels_B3hw.shape[-1] // PATCH_PX
        tapped = self.dinov2(pixels_B3hw)
        projected = [
            projection(tokens[:, 1:].transpose(1, 2).unflatten(2, grid))
            for projection, tokens in zip(self.projections, tapped)
        ]
        return torch.stack(projected).sum(dim=0), tapped[-1][:, 0]


class MoGe2Network(nn.Module):
    """
    Maps pixels to the raw numbers of points, mask and scale.

    :param config: shape of the network
    """

    def __init__(self, config: MoGe2Config) -> None:
        super().__init__()
        self.config = config
        dinov2 = Dinov2(config.width, config.layers, config.heads, config.taps)
        self.encoder = Encoder(dinov2, config.width, config.features)
        plane = (2,) * (len(config.channels) - 1)
        self.neck = Pyramid((config.features + 2, *plane), config.channels, config.neck_blocks)
        self.points = MapHead(config.channels, config.head_blocks, 3)
        self.mask = MapHead(config.channels, config.head_blocks, 1)
        layers: list[nn.Module] = []
        for given, own in itertools.pairwise(config.scale_widths):
            layers += [nn.Linear(given, own), nn.ReLU()]
        self.scale = InFloat32(nn.Sequential(*layers, nn.Linear(config.scale_widths[-1], 1)))

    def forward(
        self, pixels_B3hw: torch.Tensor, half_B2: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Predict at a size that differs from the pixels': sixteen numbers per patch side.

        :param pixels_B3hw: normalised as for ImageNet, sides multiples of 14
        :param half_B2: width and height of the original image over its diagonal
        :return: ``raw_B3hw`` for :func:`points_of`, ``valid_B1hw`` (logits) and ``log_scale_B1``
        """
        patches, token = self.encoder(pixels_B3hw)
        rows, columns = patches.shape[-2], patches.shape[-1]
        given = [
            plane_of(rows << level, columns << level, half_B2.to(patches.dtype))
            for level in range(len(self.config.channels))
        ]
        given[0] = torch.cat((patches, given[0]), dim=1)
        levels = self.neck(given)
        return self.points(levels), self.mask(levels), self.scale(token)


def plane_of(rows: int, columns: int, half_B2: torch.Tensor) -> torch.Tensor:
    """
    Return where the pixels of an image lie on its plane: 0 in the middle, corners at radius 1.

    :param half_B2: width and height of the image over its diagonal
    :return: ``plane_B2HW``, right and down
    """
    across, down = (
        (2.0 * torch.arange(count, device=half_B2.device, dtype=half_B2.dtype) + 1.0) / count - 1.0
        for count in (columns, rows)
    )
    x_BHW = (half_B2[:, :1] * across)[:, None].expand(-1, rows, -1)
    y_BHW = (half_B2[:, 1:] * down)[:, :, None].expand(-1, -1, columns)
    return torch.stack((x_BHW, y_BHW), dim=1)


def half_of(like_B3HW: torch.Tensor) -> torch.Tensor:
    """Return ``half_B2`` of an image, filled on its device."""
    height, width = like_B3HW.shape[-2:]
    diagonal = math.hypot(width, height)
    return torch.cat(
        [like_B3HW.new_full((len(like_B3HW), 1), side / diagonal) for side in (width, height)],
        dim=1,
    )


def points_of(raw_B3HW: torch.Tensor, output: str) -> torch.Tensor:
    """
    Return points of the raw numbers: right, down and forward, up to a shift along Z and a scale.

    :param output: one of :data:`OUTPUTS`; ``exp`` holds rays (x/z, y/z) and log z
    """
    if output == 'linear':
        return raw_B3HW
    if output == 'sinh':
        return torch.sinh(raw_B3HW)
    z = torch.exp(raw_B3HW[:, 2:])
    sides = raw_B3HW[:, :2]
    return torch.cat((sides * z if output == 'exp' else torch.sinh(sides), z), dim=1)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode='replicate')
