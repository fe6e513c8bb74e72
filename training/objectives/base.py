"""What the loop knows of an objective."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from training.data.batches import Batch

Figures = dict[str, float]


class Objective(ABC):
    """
    A network and how to judge it.

    ``network`` holds the trained parameters and is what the loop prepares, averages and saves.
    """

    network: nn.Module

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch, step: int) -> tuple[torch.Tensor, Figures]:
        """
        Give the loss of a batch and its parts.

        :param network: ``self.network`` as the loop wrapped it
        :param step: updates done so far, for objectives with phases
        """

    @abstractmethod
    def validate(self, batches: Iterable[Batch]) -> Figures:
        """Give figures on held-out batches; lower is better for the one in ``best_by``."""

    @property
    @abstractmethod
    def best_by(self) -> str:
        """Give the validation figure that chooses the best checkpoint."""

    @abstractmethod
    def export(self, folder: Path, record: dict[str, Any]) -> None:
        """
        Write the network as a bundle.

        :param record: how it was trained, for the manifest
        """
