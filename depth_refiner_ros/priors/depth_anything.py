# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Depth Anything V2: the metric models (metres) and the relative ones (disparity without a scale).

Both are one class in transformers; their configuration tells them apart.
"""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.checks import check_one_of
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.places import entered_path
from depth_refiner_ros.core.types import DepthKind, PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import INPUTS, PriorOptions, WithNetwork
from depth_refiner_ros.priors.dinov2 import OFFICIAL_OFFSET, resampled_positions
from depth_refiner_ros.priors.focal import correction, known_camera, TRAINING_FOCAL
from depth_refiner_ros.priors.model_folder import find_folder, read_config, size_mb
from depth_refiner_ros.priors.original_depth_anything import is_original, read_original
from depth_refiner_ros.priors.sizes import licence_of, WIDTHS
from depth_refiner_ros.priors.transformers_model import InFloat32, load_model
import torch
from torch import nn

METRIC, RELATIVE = 'depth_anything_v2_metric', 'depth_anything_v2'
INDOOR_M, OUTDOOR_M = 20.0, 80.0


class OffsetTokens(nn.Module):
    """
    DINOv2's tokens, with positions resampled as in its own code and unlike in transformers.

    :param inner: ``Dinov2Embeddings``
    :param offset: in patches
    """

    def __init__(self, inner: Any, offset: float = OFFICIAL_OFFSET) -> None:
        super().__init__()
        self.inner, self.offset = inner, offset

    def forward(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """Return the class token and one token of each patch, positions added."""
        inner = self.inner
        patch = inner.patch_embeddings.patch_size
        grid = pixels_B3hw.shape[-2] // patch[0], pixels_B3hw.shape[-1] // patch[1]
        tokens = inner.patch_embeddings(pixels_B3hw)
        first = inner.cls_token.expand(len(tokens), -1, -1)
        positions = resampled_positions(inner.position_embeddings, grid, self.offset)
        return torch.cat((first, tokens), dim=1) + positions


class DepthAnythingNetwork(nn.Module):
    """
    Maps pixels to depth or disparity at the input's size; the last layer runs in fp32.

    :param model: ``DepthAnythingForDepthEstimation``
    :param official_positions: resample the positions as the authors' code does
    """

    def __init__(self, model: Any, *, official_positions: bool = False) -> None:
        super().__init__()
        model.head.conv3 = InFloat32(model.head.conv3)
        if official_positions:
            model.backbone.embeddings = OffsetTokens(model.backbone.embeddings)
        self.model = model

    def forward(self, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """Return metres, or disparity >= 0 up to scale and shift."""
        return self.model(pixel_values=pixels_B3hw).predicted_depth[:, None]


class DepthAnythingPrior(WithNetwork):
    """
    A Depth Anything V2 network as a prior.

    :param network: maps pixels to depth or disparity
    :param kind: ``metric`` or ``disparity``
    :param rule: of the network's images
    :param trained_focal: focal length of the training camera, None if depth has no scale
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        kind: DepthKind,
        rule: preprocess.InputRule,
        trained_focal: float | None = None,
        focal_rule: str = 'auto',
        description: str = '',
    ) -> None:
        self.network = network
        self.kind: DepthKind = kind
        self._rule, self._trained_focal = rule, trained_focal
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict at the image's size; measured depth is not used."""
        size = (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        depth = self.network(self._rule.prepare(rgb_B3HW)).float()
        depth = self._rule.restore(depth, size)
        if self._trained_focal is not None:
            camera = known_camera(self._focal_rule, intrinsics)
            depth = depth * correction(camera, self._trained_focal)
        return PriorDepth(depth_B1HW=depth, kind=self.kind)

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build_metric(options: PriorOptions) -> DepthAnythingPrior:
    """
    Build ``depth_anything_v2_metric``.

    :raises WeightsError: if the folder holds another model, or one for disparity
    """
    folder = find_folder(METRIC, options.weights)
    config = read_config(folder, METRIC, 'depth_anything')
    if config.get('depth_estimation_type', 'relative') != 'metric':
        raise WeightsError(
            f'{folder} predicts disparity without a scale; prior {METRIC} needs a '
            f'metric model: use prior:={RELATIVE} or weights such as indoor-small'
        )
    farthest_m = float(config.get('max_depth') or 1.0)
    outdoors = farthest_m > (INDOOR_M + OUTDOOR_M) / 2.0
    network = _network(options, load_model(folder, 'DepthAnythingForDepthEstimation'))
    return DepthAnythingPrior(
        network.to(options.device),
        kind='metric',
        rule=_rule(options),
        trained_focal=TRAINING_FOCAL['vkitti2' if outdoors else 'hypersim'],
        focal_rule=options.focal_rule,
        description=_line(METRIC, 'outdoor-' if outdoors else 'indoor-', network, folder),
    )


def build_relative(options: PriorOptions) -> DepthAnythingPrior:
    """
    Build ``depth_anything_v2``, from a folder or a file with the original names.

    :raises WeightsError: if the folder holds another model, or one for metric depth
    """
    file = entered_path(options.weights)
    if is_original(file):
        network, where = _network(options, read_original(file)), file
    else:
        where = find_folder(RELATIVE, options.weights)
        config = read_config(where, RELATIVE, 'depth_anything')
        if config.get('depth_estimation_type', 'relative') != 'relative':
            raise WeightsError(
                f'{where} predicts metric depth; prior {RELATIVE} needs a relative model: '
                f'use prior:={METRIC} or weights such as small'
            )
        network = _network(options, load_model(where, 'DepthAnythingForDepthEstimation'))
    return DepthAnythingPrior(
        network.to(options.device),
        kind='disparity',
        rule=_rule(options),
        description=_line(RELATIVE, '', network, where),
    )


def _rule(options: PriorOptions) -> preprocess.InputRule:
    check_one_of('prior_input', options.input, INPUTS)
    if options.input == 'official_compat':
        return preprocess.official_compat()
    return preprocess.depth_anything(options.short_side or 518)


def _network(options: PriorOptions, model: Any) -> DepthAnythingNetwork:
    return DepthAnythingNetwork(model, official_positions=options.input != 'model')


def _line(prior: str, scene: str, network: DepthAnythingNetwork, where: Path) -> str:
    width = network.model.config.backbone_config.hidden_size
    size = scene + WIDTHS.get(width, f'width {width}')
    megabytes = where.stat().st_size / 1e6 if where.is_file() else size_mb(where)
    return f'prior {prior} {size}: {licence_of(prior, size)}, {megabytes:.1f} MB, {where}'
