# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Exponential moving average of the weights, with a warm-up, in fp32."""

import torch
from torch import nn


class Ema:
    """
    Averaged copy of a network's parameters.

    :param module: network to follow
    :param decay: weight of the past once warmed up; early on it is (1 + n) / (10 + n), so that
        short runs are not dominated by their start
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.average = {
            name: value.detach().clone().float() for name, value in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """
        Move the average towards the weights.

        :param step: updates done, for the warm-up
        """
        weight = 1.0 - min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            self.average[name].lerp_(value.float(), weight)
