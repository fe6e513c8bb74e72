# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ZoeDepth: metric depth with a head for rooms (NYU) and one for streets (KITTI)."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.focal import correction, known_camera, TRAINING_FOCAL
from depth_refiner_ros.priors.model_folder import find_folder, read_config, size_mb
from depth_refiner_ros.priors.sizes import licence_of
from depth_refiner_ros.priors.transformers_model import InFloat32, load_model
import torch
from torch import nn

NAME = 'zoedepth'
INDOOR_M = 10.0


class ZoeDepthNetwork(nn.Module):
    """
    Maps pixels to metres and votes for the training domains; the metric head runs in fp32.

    :param model: ``ZoeDepthForDepthEstimation``
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        # Its bins use factorials and attractors, which half precision cannot represent.
        model.metric_head = InFloat32(model.metric_head)
        self.model = model

    def forward(self, pixels_B3hw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Predict.

        :return: ``depth_m_B1hw``, and ``votes_BD`` for its D domains, zeros if it has only one
        """
        output = self.model(pixel_values=pixels_B3hw)
        votes = output.domain_logits
        depth = output.predicted_depth[:, None]
        return depth, depth.new_zeros(len(depth), 1) if votes is None else votes


class ZoeDepthPrior(WithNetwork):
    """
    ZoeDepth as a prior.

    :param network: pixels to metres and votes
    :param domains: keys of :data:`TRAINING_FOCAL`, one per vote
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        domains: tuple[str, ...],
        *,
        focal_rule: str = 'auto',
        description: str = '',
    ) -> None:
        self.network = network
        self._domains, self._focal_rule = domains, focal_rule
        self._description = description
        self._rule = preprocess.zoedepth()

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres at the image's size; measured depth is not used."""
        camera = known_camera(self._focal_rule, intrinsics)
        size = (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        pixels = self._rule.prepare(rgb_B3HW)
        # The model chooses one domain for a whole batch, so images are passed one by one.
        maps = [self._one(image[None], camera) for image in pixels]
        return PriorDepth(depth_B1HW=self._rule.restore(torch.cat(maps), size), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]

    def _one(self, pixels_13hw: torch.Tensor, camera: Intrinsics | None) -> torch.Tensor:
        depth, votes = self.network(pixels_13hw)
        # Reading which of two heads was chosen synchronises, so no CUDA graph is possible.
        domain = self._domains[int(votes.argmax()) if len(self._domains) > 1 else 0]
        return depth.float() * correction(camera, TRAINING_FOCAL[domain])


def build(options: PriorOptions) -> ZoeDepthPrior:
    """Build ``zoedepth``."""
    folder = find_folder(NAME, options.weights)
    read_config(folder, NAME, 'zoedepth')
    network = ZoeDepthNetwork(load_model(folder, 'ZoeDepthForDepthEstimation'))
    domains = domains_of(network.model.config.bin_configurations)
    return ZoeDepthPrior(
        network.to(options.device),
        domains,
        focal_rule=options.focal_rule,
        description=_line(folder, domains),
    )


def domains_of(bins: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the training data of each head, by its name or its range."""
    return tuple(
        name
        if (name := str(head.get('name', ''))) in TRAINING_FOCAL
        else 'nyu'
        if float(head['max_depth']) <= INDOOR_M
        else 'kitti'
        for head in bins
    )


def _line(folder: Path, domains: tuple[str, ...]) -> str:
    return (
        f'prior {NAME} {"-".join(domains)}: {licence_of(NAME, "-".join(domains))}, '
        f'{size_mb(folder):.1f} MB, {folder}'
    )
