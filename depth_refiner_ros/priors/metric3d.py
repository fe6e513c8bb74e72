# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Metric3D v2 through a checkout of its own code.

The network treats every image as taken with a focal length of 1000 px: the image is fitted into
its input with grey borders, its focal length is scaled with it, and depth is multiplied by the
scaled focal length over 1000. Without any of the three, depth would depend on the image's size.

Its decoder branches on computed values, to print if one is NaN, so it can be neither compiled as
a whole nor exported: it runs its own code under every backend.
"""

import math
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError, WeightsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import camera_missing, PriorOptions, WithoutNetwork
from depth_refiner_ros.priors.focal import canonical_factor
from depth_refiner_ros.priors.loading import fill_network
from depth_refiner_ros.priors.model_folder import imported_folder, read_config, size_mb
from depth_refiner_ros.priors.packages import metric3d_network
import torch
from torch import nn

NAME = 'metric3d_v2'
MODEL_TYPE = 'metric3d'
ARCHITECTURES = ('metric3d_vit_small', 'metric3d_vit_large', 'metric3d_vit_giant2')


class Metric3DNetwork(nn.Module):
    """
    Maps pixels to canonical metres.

    :param model: a module with ``inference({'input': pixels}) -> (depth, confidence, more)``
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """Return ``canonical_m_B1hw``; in fp32, as the recurrent decoder was trained."""
        with torch.autocast(pixels_B3hw.device.type, enabled=False):
            depth, *_ = self.model.inference({'input': pixels_B3hw.float()})
        return depth if depth.ndim == 4 else depth[:, None]


class Metric3DPrior(WithoutNetwork):
    """
    A Metric3D v2 network as a prior.

    :param network: pixels to canonical metres
    :param rule: of the network's images
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        rule: preprocess.InputRule | None = None,
        *,
        description: str = '',
    ) -> None:
        self.network = network
        self._rule = rule or preprocess.metric3d()
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres at the image's size; measured depth is not used.

        :raises InputError: if the intrinsics, which set the scale, are unknown
        """
        if intrinsics is None:
            raise camera_missing(NAME)
        size = (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        canonical = self.network(self._rule.prepare(rgb_B3HW)).float()
        depth = self._rule.restore(canonical, size)
        depth = depth * canonical_factor(intrinsics, self._rule.scale(size))
        return PriorDepth(depth_B1HW=torch.where(depth > 0.0, depth, torch.nan), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build(options: PriorOptions) -> Metric3DPrior:
    """
    Build ``metric3d_v2`` from a folder of :func:`import_checkpoint.import_metric3d`.

    :raises SettingsError: with ``prior_focal_rule: none``, or without a folder
    :raises WeightsError: if folder or checkout are missing or do not fit
    """
    if options.focal_rule == 'none':
        raise SettingsError(
            f'prior_focal_rule = none, but prior {NAME} has no scale without the '
            'focal length; use auto'
        )
    file, where = 'metric_depth_vit_small_800k.pth', 'JUGGHM/Metric3D on the Hugging Face hub'
    folder = imported_folder(NAME, options.weights, file, otherwise=f'; {file} is of {where}')
    config = read_config(folder, NAME, MODEL_TYPE)
    architecture = str(config.get('architecture'))
    if architecture not in ARCHITECTURES:
        raise WeightsError(
            f'{folder / "config.json"}: architecture {shown(architecture)} is not one '
            f'of {", ".join(ARCHITECTURES)}'
        )
    network = Metric3DNetwork(load_network(architecture, folder)).to(options.device)
    line = (
        f'prior {NAME} ({architecture}): BSD-2-Clause code, weights see model card, '
        f'{size_mb(folder):.1f} MB, {folder}'
    )
    return Metric3DPrior(network, description=line)


def load_network(architecture: str, folder: Path) -> Any:
    """
    Build a network of the checkout and fill it with safetensors.

    :raises WeightsError: if the checkout is missing or at another commit, or weights do not fit
    """
    network = metric3d_network(architecture)
    place_anchors(network.depth_model.decoder)
    return fill_network(network, folder / 'model.safetensors')


def place_anchors(decoder: Any) -> None:
    """
    Set the depths of a decoder's classes, on the device of its weights.

    Its own code creates them at the first image, always on "cuda" and for the batch size of that
    image. One row works for every batch.

    :param decoder: ``RAFTDepthNormalDPT5``
    """
    logarithms = torch.linspace(
        math.log(decoder.min_val), math.log(decoder.max_val), decoder.num_depth_regressor_anchor
    )
    decoder.register_buffer('depth_expectation_anchor', logarithms.exp()[None], persistent=False)
