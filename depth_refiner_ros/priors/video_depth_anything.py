# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Video Depth Anything, metric: metres of one image of a video after the other.

Each image is seen together with what the network kept of those before, so that depth does not
flicker. This is the streaming mode of its authors, which they call experimental: with weights
trained on whole videos, it loses accuracy against those (ScanNet: 0.836 instead of 0.926 within a
factor of 1.25, their README). The camera is no input, and metres come out as they are; they are
those of training data of two kinds, streets and rooms, so that no single focal length could
correct them.
"""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.model_folder import imported_folder, size_mb
from depth_refiner_ros.priors.sizes import licence_of, SIZES
from depth_refiner_ros.priors.video_depth_anything_memory import Memory
from depth_refiner_ros.priors.video_depth_anything_weights import NAME, read_folder
import torch


class VideoDepthAnythingPrior(WithNetwork):
    """
    A metric Video Depth Anything as a prior; images of a batch are of as many videos.

    :param network: pixels and what was kept to depth and what is kept
    :param rule: of the network's images
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: Callable[..., Any],
        rule: preprocess.InputRule | None = None,
        *,
        description: str = '',
    ) -> None:
        self.network = network
        self._rule = rule or preprocess.video_depth_anything()
        self._description = description
        self._memory = Memory()
        self._seen: torch.Size | None = None

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict the first image of a video; camera and measured depth are not used."""
        self._memory.reset()
        return self.predict_next(rgb_B3HW, intrinsics, sensor_m_B1HW)

    def predict_next(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict the image after the last one; one of another size starts a video."""
        pixels = self._rule.prepare(rgb_B3HW)
        if pixels.shape != self._seen:
            self._memory.reset()
        depth, *kept = self.network(pixels, *self._memory.window())
        self._memory.add(kept)
        self._seen = pixels.shape
        depth_m = self._rule.restore(depth.float(), (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]))
        # Its last layer cuts off what is below 0, which is no depth.
        return PriorDepth(depth_B1HW=torch.where(depth_m > 0.0, depth_m, torch.nan), kind='metric')

    def for_another_video(self) -> 'VideoDepthAnythingPrior':
        """See :meth:`VideoPrior.for_another_video`."""
        return VideoDepthAnythingPrior(self.network, self._rule, description=self._description)

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build(options: PriorOptions) -> VideoDepthAnythingPrior:
    """
    Build ``video_depth_anything`` from a folder of ``models import``.

    :raises SettingsError: without such a folder
    :raises WeightsError: if it holds another model, or weights that do not fit
    """
    hub_id = SIZES[NAME].get(options.weights, SIZES[NAME]['small'])
    folder = imported_folder(NAME, options.weights, hub_id)
    network, size = read_folder(folder)
    return VideoDepthAnythingPrior(
        network.to(options.device),
        preprocess.video_depth_anything(options.short_side),
        description=(
            f'prior {NAME} {size}: {licence_of(NAME, size)}, {size_mb(folder):.1f} MB, {folder}'
        ),
    )
