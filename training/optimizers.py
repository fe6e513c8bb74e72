# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The optimisers of a run, from its configuration."""

from typing import Any

import torch
from torch import nn
from training.config import OptimizerConfig
from training.muon import Muon

KINDS: dict[str, Any] = {'adamw': torch.optim.AdamW, 'adam': torch.optim.Adam, 'muon': Muon}
MAIN = 'main'


def make_optimizers(
    networks: nn.ModuleDict, config: OptimizerConfig
) -> dict[str, torch.optim.Optimizer]:
    """Return one optimiser of all trained networks; vectors (biases, norms) are not decayed."""
    trained = [value for value in networks.parameters() if value.requires_grad]
    groups = [
        {
            'params': [value for value in trained if value.ndim > 1],
            'weight_decay': config.weight_decay,
        },
        {'params': [value for value in trained if value.ndim <= 1], 'weight_decay': 0.0},
    ]
    return {MAIN: KINDS[config.name](groups, lr=config.lr)}
