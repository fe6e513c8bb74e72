# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The interface of a model to the loop and the objectives."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from depth_refiner_ros.models.bundle import Bundle
import torch
from torch import nn


class TrainedModel(ABC):
    """
    A network under training, and its bundle.

    ``network`` holds the trained parameters; the loop prepares, averages and saves it.
    """

    network: nn.Module

    @abstractmethod
    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        """
        Read the weights of an exported bundle, to start a run from them.

        :param where: a folder, or ``bundled``
        """

    @abstractmethod
    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        """
        Write the network as a bundle.

        :param record: how it was trained, for the manifest
        """
