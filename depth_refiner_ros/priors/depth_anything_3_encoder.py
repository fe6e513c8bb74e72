# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The encoder of Depth Anything 3's any-view models, for a single view: DINOv2 with four additions.

From layer ``views_from`` on, queries and keys are normalised per head and rotated by the token's
place, a token for the camera replaces the class token, and every second layer attends among the
tokens of all views. With one view such a layer sees the same tokens as any other; what remains is
that it rotates all patches by the same angle.
"""

from depth_refiner_ros.priors.dinov2 import Dinov2, Layer, PATCH_PX
from depth_refiner_ros.priors.rotary import places_of, Turn, turn_of
import torch
from torch import nn

LAST_EPSILON = 1e-5
"""Of the norm of outputs in all models of Depth Anything 3; DINOv2's is 1e-6."""


class AnyViewEncoder(Dinov2):
    """
    The encoder; parameters beside these are those of :class:`.dinov2.Dinov2`.

    :param views_from: first layer with the additions
    """

    def __init__(
        self, width: int, layers: int, heads: int, taps: tuple[int, ...], *, views_from: int
    ) -> None:
        super().__init__(width, layers, heads, taps, last_epsilon=LAST_EPSILON)
        self.views_from = views_from
        self.frequencies = width // heads // 4
        # One for the view that sets the frame, which a single view does, one for the others.
        self.camera = nn.Parameter(torch.zeros(1, 2, width))
        for index in range(views_from, layers):
            self.layers[index] = Layer(width, heads, normed_heads=True)

    def forward(self, pixels_B3hw: torch.Tensor) -> list[torch.Tensor]:
        """
        Encode images.

        :param pixels_B3hw: normalised as for ImageNet
        :return: of each tap, ``tokens_BNC`` twice as wide: of the latest layer within the view,
            then of this layer, normalised; the first is the camera's
        :raises InputError: if a side is not a multiple of 14
        """
        tokens = self.embedded(pixels_B3hw)
        by_place, by_view = self._turns(pixels_B3hw)
        within_view, tapped = tokens, []
        for index, layer in enumerate(self.layers):
            if index == self.views_from:
                camera = self.camera[:, :1].expand(len(tokens), -1, -1).to(tokens.dtype)
                tokens = torch.cat((camera, tokens[:, 1:]), dim=1)
            if index < self.views_from:
                tokens = layer(tokens)
            else:
                tokens = layer(tokens, by_view if index % 2 else by_place)
            if index < self.views_from or index % 2 == 0:
                within_view = tokens
            if index in self.taps:
                tapped.append(torch.cat((within_view, self.norm(tokens)), dim=-1))
        return tapped

    def _turns(self, pixels_B3hw: torch.Tensor) -> tuple[Turn, Turn]:
        """Return the rotations by place and by view; the class token is at 0 in both."""
        rows, columns = (side // PATCH_PX for side in pixels_B3hw.shape[-2:])
        places = places_of(rows, columns, first=1.0, device=pixels_B3hw.device)
        first = torch.zeros_like(places[:1])
        by_place, by_view = (
            turn_of(torch.cat((first, rest)), self.frequencies)
            for rest in (places, torch.ones_like(places))
        )
        return by_place, by_view
