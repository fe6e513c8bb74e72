# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every backend offers: a network in, something that runs it out."""

from collections.abc import Callable
import sys
from typing import Any, Protocol

import torch
from torch import nn

Tensors = tuple[torch.Tensor, ...]
Shapes = tuple[tuple[int, ...], ...]
Runner = Callable[..., Any]
"""Takes tensors of the example's shapes and gives what the module gives, in fp32."""
Log = Callable[[str], None]
"""Where a backend says what takes long or what it had to do again."""


class Backend(Protocol):
    """
    One way of executing networks.

    :param name: what the option ``backend`` calls it
    :param precision: fp32, fp16 or bf16, of what is inside networks; inputs and outputs are fp32
    :param exact: True where it is fp32 torch itself, so that a comparison would say nothing
    :param fix: what a user can do where it gives wrong numbers
    """

    name: str
    precision: str
    exact: bool
    fix: str

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Make a network ready for inputs of fixed shapes.

        :param module: in fp32 on the CPU, without gradients; stays as it is
        :param key: short name of the network, for files and messages
        :param example: inputs of the shapes to come
        :raises BackendError: where this machine cannot
        """


class Builder(Protocol):
    """A backend whose work can be done ahead of time, and on another machine."""

    def build(self, module: nn.Module, key: str, example: Tensors) -> object:
        """Write what :meth:`Backend.prepare` would load."""


def log_to_stderr(line: str) -> None:
    """Say it where results do not go."""
    print(line, file=sys.stderr, flush=True)


def silent(line: str) -> None:
    """Say nothing."""


def shapes_of(inputs: Tensors) -> Shapes:
    """Return the shape of each input."""
    return tuple(tuple(value.shape) for value in inputs)
