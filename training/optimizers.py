# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The optimisers of a run, from its configuration."""

from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
import torch
from torch import nn
from training.config import OptimizerConfig
from training.muon import Muon

KINDS: dict[str, Any] = {'adamw': torch.optim.AdamW, 'adam': torch.optim.Adam, 'muon': Muon}
MAIN = 'main'


def freeze(networks: nn.ModuleDict, config: OptimizerConfig) -> None:
    """Compute no gradients for parameters whose rate in ``config.rates`` is 0."""
    for name, value in networks.named_parameters():
        if config.rates.get(_beginning(name, config)) == 0.0:
            value.requires_grad_(False)


def make_optimizers(
    networks: nn.ModuleDict, config: OptimizerConfig
) -> dict[str, torch.optim.Optimizer]:
    """
    Return one optimiser of all trained networks; vectors (biases, norms) are not decayed.

    Each of its groups has a factor ``rate`` on the learning rate, from ``config.rates``.

    :raises SettingsError: where a beginning of ``config.rates`` is that of no parameter
    """
    found: dict[str, list[nn.Parameter]] = {beginning: [] for beginning in ('', *config.rates)}
    for name, value in networks.named_parameters():
        found[_beginning(name, config)].append(value)
    groups = []
    for beginning, values in found.items():
        if beginning and not values:
            raise SettingsError(
                f'optimizer.rates: no parameter begins with {shown(beginning)}; the networks are '
                f'{", ".join(networks)}'
            )
        rate = config.rates.get(beginning, 1.0)
        values = [value for value in values if value.requires_grad]
        matrices = [value for value in values if value.ndim > 1]
        vectors = [value for value in values if value.ndim <= 1]
        groups += [
            {'params': matrices, 'weight_decay': config.weight_decay, 'rate': rate},
            {'params': vectors, 'weight_decay': 0.0, 'rate': rate},
        ]
    return {MAIN: KINDS[config.name](groups, lr=config.lr)}


def _beginning(name: str, config: OptimizerConfig) -> str:
    """Return the longest beginning in ``config.rates`` that fits a parameter's name."""
    return max((known for known in ('', *config.rates) if name.startswith(known)), key=len)
