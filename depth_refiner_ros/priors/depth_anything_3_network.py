# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The depth networks of Depth Anything 3 for one image, by the names of their authors."""

from dataclasses import dataclass

from depth_refiner_ros.priors.depth_anything_3_encoder import AnyViewEncoder, LAST_EPSILON
from depth_refiner_ros.priors.depth_anything_3_head import Head
from depth_refiner_ros.priors.dinov2 import Dinov2, PATCH_PX
import torch
from torch import nn


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """
    Shape of a network.

    :param width: features of a token
    :param heads: of each attention
    :param layers: of the encoder
    :param taps: layers that the head reads, counted from 0
    :param views_from: first layer of the any-view kind; None for a model of single images
    :param levels: features of the head's four levels, from the finest
    :param features: of the head's fusion
    """

    width: int
    heads: int
    layers: int
    taps: tuple[int, int, int, int]
    levels: tuple[int, int, int, int]
    features: int
    views_from: int | None = None


LARGE = Architecture(
    width=1024,
    heads=16,
    layers=24,
    taps=(4, 11, 17, 23),
    levels=(256, 512, 1024, 1024),
    features=256,
)
METRIC = 'da3metric-large'
ARCHITECTURES = {
    METRIC: LARGE,
    'da3-small': Architecture(
        width=384,
        heads=6,
        layers=12,
        taps=(5, 7, 9, 11),
        views_from=4,
        levels=(48, 96, 192, 384),
        features=64,
    ),
    'da3-base': Architecture(
        width=768,
        heads=12,
        layers=12,
        taps=(5, 7, 9, 11),
        views_from=4,
        levels=(96, 192, 384, 768),
        features=128,
    ),
    'da3mono-large': LARGE,
}
"""``model_name`` of the published configurations to the network's shape."""


class DepthAnything3Network(nn.Module):
    """
    Maps pixels to depth up to scale and a second map, at the input's size.

    :param architecture: its shape
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        one = architecture
        self.architecture = one
        shape = (one.width, one.layers, one.heads, one.taps)
        any_view = one.views_from is not None
        self.encoder: Dinov2 = (
            Dinov2(*shape, last_epsilon=LAST_EPSILON)
            if one.views_from is None
            else AnyViewEncoder(*shape, views_from=one.views_from)
        )
        self.head = Head(
            tokens=2 * one.width if any_view else one.width,
            levels=one.levels,
            features=one.features,
            with_places=any_view,
        )

    @property
    def finds_sky(self) -> bool:
        """Whether the second map is the sky's, not the confidence."""
        return self.architecture.views_from is None

    def forward(self, pixels_B3hw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Predict.

        :param pixels_B3hw: with ImageNet's mean and deviation; sides are multiples of 14
        :return: see :meth:`.depth_anything_3_head.Head.forward`
        """
        size = pixels_B3hw.shape[-2], pixels_B3hw.shape[-1]
        grid = size[0] // PATCH_PX, size[1] // PATCH_PX
        tokens = [with_first[:, 1:] for with_first in self.encoder(pixels_B3hw)]
        return self.head(tokens, grid, size)
