# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Networks as torch runs them, operation by operation."""

from depth_refiner_ros.backends.base import Runner, Tensors
from depth_refiner_ros.backends.mixed_precision import reduced
import torch
from torch import nn


class TorchBackend:
    """
    Eager torch.

    :param device: where networks run
    :param precision: fp32, fp16 or bf16
    """

    name = 'torch'
    fix = 'use precision:=fp32'

    def __init__(self, device: torch.device, precision: str) -> None:
        self.device = device
        self.precision = precision
        self.exact = precision == 'fp32'

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """Place the network; see :class:`~depth_refiner_ros.backends.base.Backend`."""
        return reduced(module, self.device, self.precision).eval()
