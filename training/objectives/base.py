# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The interface of an objective to the loop."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence

from depth_refiner_ros.core.errors import SettingsError
import torch
from torch import nn
from training.config import check_keys
from training.data.batches import Batch
from training.models.base import TrainedModel

Figures = dict[str, float]


class Objective(ABC):
    """
    The loss of a model in training and its figures on held-out rooms.

    :param model: what is trained
    """

    def __init__(self, model: TrainedModel) -> None:
        self.model = model

    @property
    def network(self) -> nn.Module:
        """Return the network that is trained."""
        return self.model.network

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch, step: int) -> tuple[torch.Tensor, Figures]:
        """
        Return the loss of a batch and its parts.

        :param network: ``self.network`` as the loop wrapped it
        :param step: updates done so far, for objectives with phases
        """

    @abstractmethod
    def validate(self, batches: Iterable[Batch]) -> Figures:
        """Return figures on held-out batches; lower is better for the one in ``best_by``."""

    @property
    @abstractmethod
    def best_by(self) -> str:
        """Return the validation figure that chooses the best checkpoint."""


def check_losses(
    weights: Mapping[str, float], known: Sequence[str], needed: Sequence[str]
) -> None:
    """
    Raise for unknown losses, and for a run that would minimise nothing.

    :param needed: losses of which at least one must have a weight
    :raises SettingsError: naming the key
    """
    check_keys('loss', weights, known)
    if not any(weights.get(name, 0.0) > 0.0 for name in needed):
        raise SettingsError(
            f'loss = {dict(weights)} minimises nothing; give a weight to {" or ".join(needed)}'
        )
