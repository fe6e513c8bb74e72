# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One network behind a backend: prepared for each shape on first use, and checked there."""

from collections.abc import Callable
from typing import Any, cast

from depth_refiner_ros.backends.base import (
    Backend,
    Builder,
    Log,
    Runner,
    Shapes,
    shapes_of,
    shapes_per_size,
    Tensors,
)
from depth_refiner_ros.backends.eager import TorchBackend
from depth_refiner_ros.backends.selfcheck import check, Deviation
from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn

MAX_SIZES = 8
"""Sizes of images kept prepared; a camera has one, a folder of photographs many."""


class ModelRunner:
    """
    Runs one network on tensors of any shape.

    :param module: in fp32 on the CPU; stays there, as the reference for the backend
    :param key: short name, for files and messages
    :param backend: runs it
    :param device: where inputs and outputs live
    :param max_abs_rel: bound of the self-check, None for no check
    :param build_only: write the files that the backend would load, and run on torch instead
    :param otherwise: called with the reason where fp32 torch runs a size on which the backend,
        which nobody asked for, gives other numbers; None refuses it
    """

    def __init__(
        self,
        module: nn.Module,
        key: str,
        backend: Backend,
        device: torch.device,
        *,
        max_abs_rel: float | None = None,
        build_only: bool = False,
        otherwise: Log | None = None,
    ) -> None:
        self.module = module.eval().requires_grad_(False)
        # Convolutions read channels last faster, on tensor cores as on vector units. In place, and
        # one by one, because weights that are shared with another network stay shared.
        for weight in self.module.parameters():
            if weight.dim() == 4:
                weight.data = weight.data.to(memory_format=torch.channels_last)
        self.key = key
        self._backend = backend
        self._device = device
        self._reference = TorchBackend(device, 'fp32')
        self._build_only = build_only
        self._otherwise = otherwise
        self._max_abs_rel = None if build_only else max_abs_rel
        self.deviation: Deviation | None = None
        """The largest of the self-checks that were passed."""
        self.note: Callable[[Tensors], None] | None = None
        """Called with the inputs of every call, for benchmarks."""
        self._runners: dict[Shapes, Runner] = {}
        self._checked: set[Shapes] = set()
        self._refused: set[Shapes] = set()

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """
        Run the network.

        :return: fp32, a new tensor for each call
        :raises BackendError: at a new shape, if the backend fails or gives wrong numbers
        """
        if self.note is not None:
            self.note(inputs)
        shapes = shapes_of(inputs)
        if shapes not in self._runners:
            if len(self._runners) >= MAX_SIZES * shapes_per_size(self.module):
                self._runners.pop(next(iter(self._runners)))
            # Weights created in inference mode, or calls under the caller's autocast, could not be
            # exported.
            with (
                torch.inference_mode(False),
                torch.no_grad(),
                torch.autocast('cpu', enabled=False),
                torch.autocast(self._device.type, enabled=False),
            ):
                judged = self.judged
                runner = self._prepared(
                    tuple(value.detach().float().cpu().clone() for value in inputs)
                )
            self._runners[shapes] = self._checked_runner(runner, inputs) if judged else runner
        return self._run(self._runners[shapes], inputs)

    @property
    def judged(self) -> bool:
        """Whether its first run at a size is compared with fp32 torch."""
        return self._max_abs_rel is not None and not self._backend.exact

    def runners(self) -> tuple[Runner, ...]:
        """Return the runners of the prepared sizes, for callers that must keep them alive."""
        return tuple(self._runners.values())

    def _prepared(self, example: Tensors) -> Runner:
        if shapes_of(example) in self._refused:
            return self._reference.prepare(self.module, self.key, example)
        if not self._build_only:
            return self._backend.prepare(self.module, self.key, example)
        cast(Builder, self._backend).build(self.module, self.key, example)
        return self._reference.prepare(self.module, self.key, example)

    def _checked_runner(self, runner: Runner, inputs: Tensors) -> Runner:
        """Return the runner, or fp32 torch where that one differs and nobody asked for it."""
        shapes = shapes_of(inputs)
        if self._max_abs_rel is None or shapes in self._checked:
            return runner
        exact = self._reference.prepare(self.module, self.key, inputs)
        expected, found = self._run(exact, inputs), self._run(runner, inputs)
        try:
            deviation = check(self._backend, self.key, found, expected, self._max_abs_rel)
            if self.deviation is None or deviation.p99 > self.deviation.p99:
                self.deviation = deviation
        except BackendError as error:
            if self._otherwise is None:
                raise
            self._otherwise(f'{error}; at this size fp32 torch runs it, more slowly')
            self._refused.add(shapes)
            runner = exact
        self._checked.add(shapes)
        return runner

    def _run(self, runner: Runner, inputs: Tensors) -> Any:
        # Runners have their own number format; the caller's autocast would change the reference.
        with torch.inference_mode(), torch.autocast(self._device.type, enabled=False):
            return runner(*(value.float() for value in inputs))
