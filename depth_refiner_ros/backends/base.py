# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The interface of a backend, which takes a network and returns a runner for it."""

from collections.abc import Callable
import sys
from typing import Any, Protocol

import torch
from torch import nn

Tensors = tuple[torch.Tensor, ...]
Shapes = tuple[tuple[int, ...], ...]
Runner = Callable[..., Any]
"""Takes tensors of the example's shapes and returns the module's output in fp32."""
MOST_WEIGHTS = 50_000_000
"""Runtimes for small networks were tried with no larger ones, whose export takes minutes."""
Log = Callable[[str], None]
"""Takes a line about a long build or one that had to be repeated."""


class Backend(Protocol):
    """
    One way of executing networks.

    :param name: value of the option ``backend``
    :param precision: fp32, fp16 or bf16 inside networks; inputs and outputs are fp32
    :param fix: what a user can do if it gives wrong numbers
    """

    name: str
    precision: str
    fix: str

    @property
    def exact(self) -> bool:
        """Whether it is fp32 torch itself, which needs no comparison."""

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Prepare a network for inputs of fixed shapes.

        :param module: in fp32 on the CPU, without gradients; it is not changed
        :param key: short name of the network, for files and messages
        :param example: inputs of the shapes to come
        :raises BackendError: if this machine cannot run it
        """


class Builder(Protocol):
    """A backend whose work can be done ahead of time, and on another machine."""

    def build(self, module: nn.Module, key: str, example: Tensors) -> object:
        """Write the files that :meth:`Backend.prepare` would load."""


def log_to_stderr(line: str) -> None:
    """Print a line to stderr, as results go to stdout."""
    print(line, file=sys.stderr, flush=True)


def silent(line: str) -> None:
    """Ignore a line."""


def shapes_of(inputs: Tensors) -> Shapes:
    """Return the shape of each input."""
    return tuple(tuple(value.shape) for value in inputs)


def shapes_per_size(module: nn.Module) -> int:
    """Return how many shapes of inputs a network gets for images of one size; it may say so."""
    return int(getattr(module, 'shapes_per_size', 1))
