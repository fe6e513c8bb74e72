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


def make_optimizers(
    networks: nn.ModuleDict, config: OptimizerConfig
) -> dict[str, torch.optim.Optimizer]:
    """
    Return one optimiser of all trained networks; vectors (biases, norms) are not decayed.

    Each of its groups has a factor ``rate`` on the learning rate, from ``config.rates``.

    :raises SettingsError: where a beginning of ``config.rates`` is that of no parameter
    """
    trained: dict[str, list[nn.Parameter]] = {beginning: [] for beginning in ('', *config.rates)}
    for name, value in networks.named_parameters():
        if value.requires_grad:
            fitting = [beginning for beginning in trained if name.startswith(beginning)]
            trained[max(fitting, key=len)].append(value)
    groups = []
    for beginning, values in trained.items():
        if beginning and not values:
            raise SettingsError(
                f'optimizer.rates: no parameter begins with {shown(beginning)}; the networks are '
                f'{", ".join(networks)}'
            )
        rate = config.rates.get(beginning, 1.0)
        matrices = [value for value in values if value.ndim > 1]
        vectors = [value for value in values if value.ndim <= 1]
        groups += [
            {'params': matrices, 'weight_decay': config.weight_decay, 'rate': rate},
            {'params': vectors, 'weight_decay': 0.0, 'rate': rate},
        ]
    return {MAIN: KINDS[config.name](groups, lr=config.lr)}
