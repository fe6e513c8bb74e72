# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The small metric network of the ``bundled`` prior; all of it is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.models.bundle import Bundle, open_bundle
from depth_refiner_ros.priors.bundled import read_prior_network, write_prior_bundle
from depth_refiner_ros.priors.network import MetricNetwork, MetricNetworkConfig
import torch
from training.config import check_keys
from training.models.base import TrainedModel


class MetricPriorModel(TrainedModel):
    """
    The network with random weights.

    :param model: keys of :class:`~depth_refiner_ros.priors.network.MetricNetworkConfig`
    :raises SettingsError: for an unknown key or value
    """

    network: MetricNetwork

    def __init__(self, model: Mapping[str, Any]) -> None:
        check_keys('model', model, list(MetricNetworkConfig.__dataclass_fields__))
        try:
            self.shape = MetricNetworkConfig.from_dict(model, 'model', 'correct the value')
            self.network = MetricNetwork(self.shape)
        except (TypeError, ValueError) as error:
            raise SettingsError(f'model: {error}') from error

    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        return read_prior_network(open_bundle(where, 'prior')).state_dict()

    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        return write_prior_bundle(folder, self.network, record)
