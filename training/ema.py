# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Exponential moving average of the weights, in fp32 whatever the weights are."""

import copy

import torch
from torch import nn
from training.config import EmaConfig

GAMMA, POWER = 1.0, 2.0 / 3.0
"""Of ema_pytorch's warm-up, 1 - (1 + n / gamma)^-power."""


class Ema:
    """
    Averaged copies of the trained networks; the networks themselves where the decay is 0.

    :param trained: networks to follow; frozen ones do not belong here
    """

    def __init__(self, trained: nn.ModuleDict, config: EmaConfig) -> None:
        self.config = config
        self._copied = config.decay > 0.0
        self.networks = trained
        if self._copied:
            self.networks = copy.deepcopy(trained).float().eval().requires_grad_(False)

    def reset(self, trained: nn.ModuleDict) -> None:
        """Begin the average again at these weights."""
        if self._copied:
            self.networks.load_state_dict(trained.state_dict())

    @torch.no_grad()
    def update(self, trained: nn.ModuleDict, step: int) -> None:
        """
        Move the average towards the weights.

        :param step: updates done, this one included
        """
        if not self._copied or step % self.config.every:
            return
        share = 1.0 - decay_at(step, self.config)
        average = self.networks.state_dict()
        for name, value in trained.state_dict().items():
            average[name].lerp_(value.to(average[name].dtype), share)


def decay_at(step: int, config: EmaConfig) -> float:
    """
    Return the weight of the past at an update.

    0 until ``after`` updates are done. ``warmup``: (1 + n) / (10 + n) with n updates since then
    before this one, so that short runs are not dominated by their start. ``ema_pytorch``:
    1 - n^(-2/3) with n = step - after
    (SharpDepth's code: 0.798 at update 111, 0.9982 at 13,000).
    """
    since = step - config.after - 1
    if since < 0:
        return 0.0
    if config.curve == 'warmup':
        return min(config.decay, (1.0 + since) / (10.0 + since))
    grown = 1.0 - (1.0 + since / GAMMA) ** -POWER
    return min(config.decay, grown)
