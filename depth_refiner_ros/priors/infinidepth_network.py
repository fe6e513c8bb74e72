# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The networks of InfiniDepth (arXiv 2601.03252): an encoder of images, and disparity at any point.

As in the published weights and their code, whose decoder is simpler than that of the paper: it
interpolates two maps at a point, that of the transformer's last layer and one of fine detail, and
three linear layers make disparity of both.
"""

from dataclasses import dataclass

from depth_refiner_ros.priors.dinov2 import Layer
from depth_refiner_ros.priors.dinov3 import Dinov3, PATCH_PX
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.infinidepth_detail import DetailEncoder
from depth_refiner_ros.priors.preprocess import HALF, IMAGENET, normalised
from depth_refiner_ros.priors.transformers_model import InFloat32
import torch
from torch import nn
from torch.nn import functional

PROMPT_EPSILON = 1e-5


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """
    Shape of the networks.

    :param width: features of a token
    :param heads: of each attention of the transformer
    :param layers: of the transformer
    :param details: features of the map of fine detail
    :param hidden: features after each of the decoder's layers but the last
    :param prompt_heads: of each attention among patches and measured points
    :param prompt_layers: their number
    """

    width: int
    heads: int
    layers: int
    details: int
    hidden: tuple[int, int, int]
    prompt_heads: int
    prompt_layers: int


ARCHITECTURES = {
    'large': Architecture(
        width=1024,
        heads=16,
        layers=24,
        details=128,
        hidden=(1024, 256, 32),
        prompt_heads=4,
        prompt_layers=4,
    )
}
"""Size to the networks' shape."""


class PlaceFeatures(nn.Module):
    """
    Sines and cosines of a place along directions that were drawn once (arXiv 2006.10739).

    :param width: features of a place
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.zeros(2, width // 2))

    def forward(self, places_BN2: torch.Tensor) -> torch.Tensor:
        """
        Return ``features_BNC``.

        :param places_BN2: right and down, 0 to 1 across the image
        """
        angles = 2.0 * torch.pi * ((2.0 * places_BN2 - 1.0) @ self.directions)
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class PromptLayers(nn.Module):
    """Tokens of patches and of measured points attend to each other."""

    def __init__(self, one: Architecture) -> None:
        super().__init__()
        self.places = InFloat32(PlaceFeatures(one.width))
        self.values = InFloat32(
            nn.Sequential(
                nn.Linear(1, one.width // 2), nn.GELU(), nn.Linear(one.width // 2, one.width)
            )
        )
        # Between patches and points stands one token, of each layer's own.
        self.between = nn.Parameter(torch.zeros(one.prompt_layers, 1, 1, one.width))
        self.between_places = nn.Parameter(torch.zeros(one.prompt_layers, 1, 1, one.width))
        self.layers = nn.ModuleList(
            Layer(one.width, one.prompt_heads, normed_heads=True, epsilon=PROMPT_EPSILON)
            for _ in range(one.prompt_layers)
        )

    def forward(
        self,
        patches_BNC: torch.Tensor,
        grid: Size,
        values_BP: torch.Tensor,
        places_BP2: torch.Tensor,
    ) -> torch.Tensor:
        """
        Return the tokens of patches.

        :param grid: rows and columns of patches
        :param values_BP: disparity of points over its median; 0 is no point
        :param places_BP2: of points, right and down, 0 to 1 across the image
        """
        patches, count = patches_BNC, patches_BNC.shape[1]
        points = self.values(values_BP[..., None])
        there = values_BP > 0.0
        seen = torch.cat((there.new_ones(len(there), count + 1), there), dim=1)[:, None, None]
        centres = _centres(grid, places_BP2)
        of_patches, of_points = self.places(centres[None]), self.places(places_BP2)
        of_patches = of_patches.expand(len(patches), -1, -1)
        for layer, token, place in zip(
            self.layers, self.between, self.between_places, strict=True
        ):
            token, place = (one.expand(len(patches), -1, -1) for one in (token, place))
            together = torch.cat((patches, token, points), dim=1)
            places = torch.cat((of_patches, place, of_points), dim=1)
            together = layer(together, places_BNC=places, seen_B11N=seen)
            patches, points = together[:, :count], together[:, count + 1 :]
        return patches


class InfiniDepthEncoder(nn.Module):
    """
    Maps an image, and measured points if it takes them, to the maps of the decoder.

    :param prompted: whether it takes measured points
    """

    def __init__(self, one: Architecture, *, prompted: bool) -> None:
        super().__init__()
        self.encoder = Dinov3(one.width, one.layers, one.heads)
        self.prompt = PromptLayers(one) if prompted else None
        # What the decoder's first layer makes of these tokens: it is linear, and so is what
        # comes before it in the authors' code, the interpolation, of a hundred times as many.
        self.entry = nn.Linear(one.width, one.hidden[0], bias=False)
        self.detail = DetailEncoder(one.details)

    def forward(
        self, rgb_B3hw: torch.Tensor, *points: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Encode.

        :param rgb_B3hw: color in 0..1; sides are multiples of 16
        :param points: values and places as for :class:`PromptLayers`
        :return: a map of patches, and one of a quarter of the image's sides
        """
        height, width = size_of(rgb_B3hw)
        grid = height // PATCH_PX, width // PATCH_PX
        tokens = self.encoder(normalised(rgb_B3hw, IMAGENET))
        if self.prompt is not None:
            tokens = self.prompt(tokens, grid, *points)
        patches = self.entry(tokens).transpose(1, 2).unflatten(2, grid)
        return patches, self.detail(normalised(rgb_B3hw, HALF))


class InfiniDepthDecoder(nn.Module):
    """Disparity at points of an image, from the maps of :class:`InfiniDepthEncoder`."""

    def __init__(self, one: Architecture) -> None:
        super().__init__()
        first, second, third = one.hidden
        self.first = nn.Linear(one.details, first)
        self.second = nn.Linear(first, second)
        self.last = InFloat32(
            nn.Sequential(nn.Linear(second, third), nn.ReLU(), nn.Linear(third, 1), nn.ELU())
        )

    def forward(
        self, patches_BChw: torch.Tensor, detail_BDhw: torch.Tensor, points_BN2: torch.Tensor
    ) -> torch.Tensor:
        """
        Return ``disparity_BN``, fp32, above -1.

        :param points_BN2: right and down, from -1 to 1 across the image
        """
        patches, detail = (interpolated(maps, points_BN2) for maps in (patches_BChw, detail_BDhw))
        hidden = functional.relu(patches + self.first(detail))
        return self.last(functional.relu(self.second(hidden)))[..., 0]


class InfiniDepthNetworks(nn.Module):
    """
    Both networks, as a folder of weights holds them.

    :param prompted: whether the encoder takes measured points
    """

    def __init__(self, one: Architecture, *, prompted: bool) -> None:
        super().__init__()
        self.encoder = InfiniDepthEncoder(one, prompted=prompted)
        self.decoder = InfiniDepthDecoder(one)


def interpolated(maps_BChw: torch.Tensor, points_BN2: torch.Tensor) -> torch.Tensor:
    """
    Return ``features_BNC`` of points; beyond the outermost cells' centres they fade to 0.

    :param points_BN2: right and down, from -1 to 1 across the image
    """
    found = functional.grid_sample(maps_BChw, points_BN2[:, None], align_corners=False)
    return found[:, :, 0].transpose(1, 2)


def _centres(grid: Size, like: torch.Tensor) -> torch.Tensor:
    """Return right and down of the centres of patches, by rows, 0 to 1 across the image."""
    down, right = ((torch.arange(count, device=like.device) + 0.5) / count for count in grid)
    down, right = torch.meshgrid(down, right, indexing='ij')
    return torch.stack((right, down), dim=-1).flatten(0, 1)
