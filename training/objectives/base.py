# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The interface of an objective to the loop."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.models.bundle import Bundle
import torch
from torch import nn
from training.config import RunConfig
from training.data.batches import Batch
from training.ema import Ema
from training.weights import fill

Figures = dict[str, float]
Parts = dict[str, torch.Tensor]
TOTAL = 'loss'


class Objective(nn.Module, ABC):
    """
    What is trained, what is frozen, and the loss between them.

    A module whose forward pass is the loss, so that data-parallel wrappers see every use of the
    trained networks. ``Model`` and ``Loss`` are the dataclasses of its configuration.

    :param config: of the run
    :param trained: networks by name; only these are optimised, averaged and checkpointed
    :param frozen: further networks by name; never changed
    """

    Model: ClassVar[type]
    Loss: ClassVar[type]
    best_by: ClassVar[str]
    """The validation figure that chooses the best checkpoint; lower is better."""
    channels_last = False
    """Whether a step of its trained networks is faster with the channels last in memory."""
    learns_depth = True
    """Whether true depth is what it learns from."""
    some_unused = False
    """Whether some trained parameters take no part in the loss, which DDP must know."""

    def __init__(
        self,
        config: RunConfig,
        trained: Mapping[str, nn.Module],
        frozen: Mapping[str, nn.Module] | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.trained = nn.ModuleDict(dict(trained)).train().requires_grad_(True)
        self.frozen = nn.ModuleDict(dict(frozen or {})).eval().requires_grad_(False)
        self.ema = Ema(self.trained, config.ema)

    def add_trained(self, name: str, network: nn.Module) -> None:
        """Train a further network, whose shape follows from the others."""
        self.trained[name] = network.train().requires_grad_(True)
        self.ema = Ema(self.trained, self.config.ema)

    @abstractmethod
    def forward(self, batch: Batch, step: int) -> Parts:
        """
        Return the loss of a batch under :data:`TOTAL`, and its parts, detached.

        :param step: updates done so far, for objectives with phases
        """

    @abstractmethod
    def validate(self, batches: Iterable[Batch]) -> Figures:
        """Return figures of the averaged networks on held-out batches."""

    @abstractmethod
    def export(self, folder: Path, record: dict[str, Any]) -> Bundle:
        """
        Write the averaged networks as a bundle.

        :param record: how they were trained, for the manifest
        """

    @abstractmethod
    def bundle_weights(self, where: str) -> dict[str, torch.Tensor]:
        """
        Read the weights of an exported bundle by their names in ``trained``.

        :param where: a folder, or ``bundled``
        """

    def pictures(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        """Return maps (B, 1 or 3, H, W) of a batch to look at, by what they show."""
        return {}

    def begin(self, state: Mapping[str, torch.Tensor] | None, where: str) -> None:
        """
        Start from weights; called once, before a checkpoint is read.

        :param state: by their names in ``trained``; None keeps what ``model`` says. Networks
            that it does not name keep theirs
        :param where: source of the weights, for the message
        :raises WeightsError: where they are of another network
        """
        if state is not None:
            fill(self.trained, state, where)
            self.ema.reset(self.trained)

    def recompute_activations(self) -> None:
        """Trade time for memory in every network that the gradient passes."""
        for module in self.modules():
            enable = getattr(module, 'enable_gradient_checkpointing', None)
            if callable(enable):
                enable()

    def train(self, mode: bool = True) -> 'Objective':
        """Set the trained networks to training; frozen ones stay as they are."""
        self.training = mode
        self.trained.train(mode)
        return self


def check_weights(loss: Any, *names: str) -> None:
    """
    Raise for a run that would minimise nothing.

    :param names: weights of which at least one must be above 0
    :raises SettingsError: naming them
    """
    if not any(getattr(loss, name) > 0.0 for name in names):
        raise SettingsError(f'loss minimises nothing; give a weight to {" or ".join(names)}')


def weighted(parts: Parts, weights: Mapping[str, float]) -> Parts:
    """Return the parts, detached, and their weighted sum under :data:`TOTAL`."""
    total = sum(weights[name] * part for name, part in parts.items())
    assert isinstance(total, torch.Tensor)
    return {TOTAL: total, **{key: part.detach() for key, part in parts.items()}}
