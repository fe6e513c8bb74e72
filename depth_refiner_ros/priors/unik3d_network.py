# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The network of UniK3D: distance along the viewing rays of a camera, given or estimated."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
from depth_refiner_ros.priors.dpt import enlarged, Size, size_of
from depth_refiner_ros.priors.transformers_model import InFloat32
from depth_refiner_ros.priors.unik3d_attention import Attention
from depth_refiner_ros.priors.unik3d_camera import CameraHead
import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-5
"""Of the norms of its encoder, where DINOv2 itself has 1e-6."""
STAGES = 3
UNITS = 2
"""Pairs of convolutions in each stage."""
HIDDEN = 32
STEEPEST, BASE = 8.0, 2.0
"""Bound of the logarithm of distance, and what is added to it."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """
    Shape of a network.

    :param width: features of the encoder's tokens
    :param heads: of each attention of the encoder
    :param layers: of the encoder
    :param taps: layers that the heads read, counted from 0
    :param features: of the tokens in the heads
    """

    width: int
    heads: int
    layers: int
    taps: tuple[int, int, int, int]
    features: int


ARCHITECTURES = {
    'vits': Architecture(width=384, heads=6, layers=12, taps=(2, 5, 8, 11), features=256),
    'vitb': Architecture(width=768, heads=12, layers=12, taps=(2, 5, 8, 11), features=384),
    'vitl': Architecture(width=1024, heads=16, layers=24, taps=(5, 11, 17, 23), features=512),
}
"""Size to the network's shape."""


class Unit(nn.Module):
    """Two convolutions, each after a leaky ReLU, scaled and added to their input."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)
        self.gain = nn.Parameter(torch.ones(1, features, 1, 1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of the same size."""
        hidden = self.conv1(functional.leaky_relu(maps))
        return maps + self.gain * self.conv2(functional.leaky_relu(hidden))


class Stage(nn.Module):
    """
    Adds the tokens of a block to the maps, and doubles their sides.

    :param tokens: features of the tokens
    :param features: of the maps
    :param outputs: features of the maps that it returns
    :param scale: sides of the maps over the grid of patches
    """

    def __init__(self, tokens: int, features: int, outputs: int, scale: int) -> None:
        super().__init__()
        self.entry = nn.ConvTranspose2d(tokens, features, scale, scale)
        self.units = nn.ModuleList(Unit(features) for _ in range(UNITS))
        self.out = nn.Conv2d(features, outputs, 1)

    def forward(self, maps: torch.Tensor, tokens_map: torch.Tensor) -> torch.Tensor:
        """Return maps of twice the size."""
        maps = maps + self.entry(tokens_map)
        for unit in self.units:
            maps = unit(maps)
        return functional.interpolate(self.out(maps), scale_factor=2.0, mode='bilinear')


class DistanceHead(nn.Module):
    """
    Maps the tokens of four blocks and viewing rays to distance at the network's input size.

    :param features: of a token
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.features = features
        self.prompts = nn.ModuleList(Attention(features, scaled=False) for _ in range(STAGES + 1))
        self.first = nn.Linear(features, features)
        self.stages = nn.ModuleList(
            Stage(features, min(features, 2 * features // 2**index), features // 2**index, scale)
            for index, scale in enumerate((1, 2, 4))
        )
        last = features // 2 ** (STAGES - 1)
        self.norm = nn.LayerNorm(last)
        self.mixed = nn.Linear(last, last)
        self.narrow = nn.Conv2d(last, last // 2, 3, padding=1, padding_mode='reflect')
        self.hidden = nn.Conv2d(last // 2, HIDDEN, 3, padding=1, padding_mode='reflect')
        self.out = InFloat32(nn.Conv2d(HIDDEN, 1, 1))

    def forward(
        self, tokens: Sequence[torch.Tensor], rays_B3hw: torch.Tensor, grid: Size
    ) -> torch.Tensor:
        """
        Return ``distance_B1hw``, fp32, in metres.

        :param tokens: ``tokens_BNC`` of four blocks, from the earliest, without class tokens
        :param grid: rows and columns of patches
        """
        rays = ray_features(rays_B3hw, grid, self.features).to(tokens[0].dtype)
        seen = [prompt(one, rays) for prompt, one in zip(self.prompts, tokens, strict=True)]
        maps = _map(self.first(seen[0]), grid)
        for stage, one in zip(self.stages, seen[1:], strict=True):
            maps = stage(maps, _map(one, grid))
        maps = self.mixed(self.norm(maps.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        wide = enlarged(self.narrow(maps), size_of(rays_B3hw))
        log = self.out(functional.leaky_relu(self.hidden(wide)))
        return (log.clamp(-STEEPEST, STEEPEST) + BASE).exp()


def ray_features(rays_B3hw: torch.Tensor, grid: Size, width: int) -> torch.Tensor:
    """Return sines of both angles of the ray of each patch, ``features_BNC``."""
    rays = rays_B3hw
    if size_of(rays) != grid:
        rays = functional.interpolate(rays, size=grid, mode='bilinear', antialias=True)
    x, y, z = (rays / rays.norm(dim=1, keepdim=True).clamp_min(1e-4)).flatten(2).unbind(dim=1)
    # Rounding may leave a ray longer than 1; on the axis, the second angle is kept from jumping.
    away = torch.where(x >= 0.0, 1.0, -1.0) * x.abs().clamp_min(1e-3)
    angles_BN2 = torch.stack((z.clamp(-1.0, 1.0).acos(), torch.atan2(y, away)), dim=-1)
    steps = torch.linspace(0.0, math.log2(max(grid) // 2), width // 2, device=rays.device)
    return (angles_BN2[..., None] * 2.0**steps * math.pi).sin().flatten(2)


def _map(tokens_BNC: torch.Tensor, grid: Size) -> torch.Tensor:
    return tokens_BNC.transpose(1, 2).unflatten(-1, grid)


class UniK3DNetwork(nn.Module):
    """
    Maps pixels, and viewing rays where they are known, to distance and depth.

    :param architecture: its shape
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        one = architecture
        self.architecture = one
        shape = one.width, one.layers, one.heads, one.taps
        self.encoder = Dinov2(*shape, epsilon=EPSILON, last_epsilon=EPSILON, offset=0.0)
        self.entries, self.camera_entries = (
            nn.ModuleList(nn.Linear(one.width, one.features) for _ in one.taps) for _ in range(2)
        )
        self.camera = CameraHead(one.features)
        self.distance = DistanceHead(one.features)

    def forward(
        self, pixels_B3hw: torch.Tensor, rays_B3hw: torch.Tensor | None = None
    ) -> torch.Tensor:
        """
        Predict.

        :param pixels_B3hw: with ImageNet's mean and deviation; sides are multiples of 14
        :param rays_B3hw: unit viewing rays (x right, y down, z forward); None to estimate them
        :return: ``metres_B2hw``, fp32: distance along the rays, and depth along the optical axis,
            which is below 0 behind the camera
        """
        size = size_of(pixels_B3hw)
        grid = size[0] // PATCH_PX, size[1] // PATCH_PX
        tapped = self.encoder(pixels_B3hw)
        if rays_B3hw is None:
            first = [entry(one[:, :1]) for entry, one in zip(self.camera_entries, tapped)]
            rays_B3hw = self.camera(torch.cat(first, dim=1), size)
        tokens = [entry(one[:, 1:]) for entry, one in zip(self.entries, tapped)]
        distance_m = self.distance(tokens, rays_B3hw, grid)
        return torch.cat((distance_m, distance_m * rays_B3hw[:, 2:].float()), dim=1)
