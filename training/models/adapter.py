# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ApDepth's adapter from UNet features to those of the encoder (eqs. 7 to 9, table 3)."""

from dataclasses import dataclass

from torch import nn
from training.config import check_choice

KINDS = ('conv', 'mlp')


@dataclass
class AdapterModel:
    """Keys of ``model.adapter``."""

    kind: str = 'conv'  # conv (eqs. 7 to 9) | mlp (table 3's baseline, of DepthMaster)
    groups: int = 32  # of each group normalisation, or the most below that divide its channels


def build_adapter(model: AdapterModel, inputs: int, outputs: int) -> nn.Sequential:
    """
    Build the adapter; it keeps rows and columns.

    :param inputs: channels of the UNet's features
    :param outputs: channels of the encoder's
    """
    check_choice('model.adapter.kind', model.kind, KINDS)
    if model.kind == 'mlp':  # a layer for each position alone, as 1 x 1 convolutions
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 1),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 1),
            nn.SiLU(),
            nn.Conv2d(outputs, outputs, 1),
        )
    groups = max(count for count in range(1, model.groups + 1) if outputs % count == 0)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1),
        nn.GroupNorm(groups, outputs),
        nn.SiLU(),
        nn.Conv2d(outputs, outputs, 1),
    )
