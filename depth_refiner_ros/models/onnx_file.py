# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A network that its authors publish as an ONNX file."""

from pathlib import Path

from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn


class OnnxFile(nn.Module):
    """
    Stands for a network whose operations only an ONNX file holds.

    :param path: the file; its inputs are in the order of the call, its other outputs are dropped
    :param outputs: names of the wanted outputs
    """

    def __init__(self, path: Path, outputs: tuple[str, ...]) -> None:
        super().__init__()
        self.path, self.outputs = path, outputs

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """
        Refuse, because torch cannot run it.

        :raises BackendError: always
        """
        raise BackendError(f'{self.path} is an ONNX file; use backend:=onnx')
