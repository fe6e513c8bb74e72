# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small metric network of the ``bundled`` prior; all of it is trained."""

from dataclasses import asdict, dataclass, field

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.models.model_config import config_from
from depth_refiner_ros.priors.network import LITE0, MetricNetwork, MetricNetworkConfig
from training.config import check_choice

STARTS = ('random', 'imagenet')
SHAPE = MetricNetworkConfig()


@dataclass
class MetricPriorModel:
    """
    Keys of ``model``; see :class:`~depth_refiner_ros.priors.network.MetricNetworkConfig`.

    ``start: imagenet`` is for the encoder ``efficientnet_lite0``.
    """

    start: str = 'random'  # random | imagenet
    channels: list[int] = field(default_factory=lambda: list(SHAPE.channels))
    blocks: list[int] = field(default_factory=lambda: list(SHAPE.blocks))
    decoder_channels: list[int] = field(default_factory=lambda: list(SHAPE.decoder_channels))
    input_width: int = SHAPE.input_width
    input_height: int = SHAPE.input_height
    canonical_focal_px: float = SHAPE.canonical_focal_px
    groups: int = SHAPE.groups
    mirror: bool = SHAPE.mirror
    encoder: str = SHAPE.encoder  # rays | efficientnet_lite0
    coarsest_channels: int = SHAPE.coarsest_channels
    upsampling: int = SHAPE.upsampling
    uncertainty: bool = SHAPE.uncertainty
    scales: list[float] = field(default_factory=lambda: list(SHAPE.scales))
    in_turn: bool = SHAPE.in_turn


def build_metric_network(model: MetricPriorModel) -> tuple[MetricNetwork, MetricNetworkConfig]:
    """
    Return the network with random weights, and its shape.

    :raises SettingsError: for a value that it cannot have
    """
    check_choice('model.start', model.start, STARTS)
    if model.start == 'imagenet' and model.encoder != LITE0:
        raise SettingsError(
            f'model.start = imagenet needs model.encoder = {LITE0}, not {model.encoder}'
        )
    tree = {name: value for name, value in asdict(model).items() if name != 'start'}
    try:
        shape = config_from(MetricNetworkConfig, tree, 'model', 'correct the value')
        return MetricNetwork(shape), shape
    except (TypeError, ValueError) as error:
        raise SettingsError(f'model: {error}') from error
