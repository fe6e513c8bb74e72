# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backends by name, and the wrapper that passes networks to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import math

from depth_refiner_ros.backends.base import Backend, Log, MOST_WEIGHTS, Runner, silent, Tensors
from depth_refiner_ros.backends.compiled import CompiledBackend
from depth_refiner_ros.backends.eager import TorchBackend
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.backends.exported_or_torch import Exported, ExportedOrTorch
from depth_refiner_ros.backends.model_runner import ModelRunner
from depth_refiner_ros.backends.ncnn_runtime import NcnnBackend
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.backends.openvino_runtime import OpenVinoBackend
from depth_refiner_ros.backends.tensorrt import TensorRtBackend
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.models.onnx_file import OnnxFile
from torch import nn


@dataclass(frozen=True, kw_only=True)
class BackendOptions:
    """
    Options of the backends.

    :param engine_cache: folder for built files, empty for the user's cache folder
    :param target: GPU generations to build for, see
        :class:`~depth_refiner_ros.backends.tensorrt.TensorRtBackend`
    :param build_only: build what is missing and run on torch
    :param max_abs_rel: bound of the self-check, None for no check
    :param log: called with lines about long builds and entries that are built again
    """

    engine_cache: str = ''
    target: str = ''
    build_only: bool = False
    max_abs_rel: float | None = None
    log: Log = silent


def _exported(how: Execution, cache: EngineCache, options: BackendOptions) -> Backend:
    if not how.auto:
        return _asked_for(how, cache, options)
    torch_backend = TorchBackend(how.device, how.precision)
    try:
        exported = _asked_for(how, cache, options)
    except BackendError as error:  # installed, but not usable
        options.log(f'{error}; torch runs networks until then, more slowly')
        return torch_backend
    most = MOST_WEIGHTS if how.backend == 'openvino' else math.inf
    return ExportedOrTorch(exported, torch_backend, options.log, most)


def _asked_for(how: Execution, cache: EngineCache, options: BackendOptions) -> Exported:
    if how.backend == 'ncnn':
        return NcnnBackend(how.device, how.precision, cache, how.threads, options.log)
    kind = OpenVinoBackend if how.backend == 'openvino' else OnnxBackend
    return kind(how.device, how.precision, cache, how.threads)


BUILDERS: dict[str, Callable[[Execution, EngineCache, BackendOptions], Backend]] = {
    'torch': lambda how, cache, options: TorchBackend(how.device, how.precision),
    'compiled': lambda how, cache, options: CompiledBackend(how.device, how.precision),
    'onnx': _exported,
    'ncnn': _exported,
    'openvino': _exported,
    'tensorrt': lambda how, cache, options: TensorRtBackend(
        how.precision, cache, options.target, options.log, build_only=options.build_only
    ),
}


class ModelRunners:
    """
    Wraps each given module in a :class:`.ModelRunner` of the chosen backend.

    :param execution: from :func:`~depth_refiner_ros.backends.execution.choose`
    :param options: options of the backends
    :raises BackendError: if the backend is not installed, or cannot do here what is asked of it
    """

    def __init__(self, execution: Execution, options: BackendOptions | None = None) -> None:
        self._options = options or BackendOptions()
        folder = self._options.engine_cache
        self.cache = EngineCache(user_path(folder) if folder else None, self._options.log)
        self.execution = execution
        self._made: list[ModelRunner] = []
        self.backend = BUILDERS[execution.backend](execution, self.cache, self._options)
        if self._options.build_only and not hasattr(self.backend, 'build'):
            raise BackendError(
                f'build_only: backend {self.backend.name} builds nothing ahead of time; use '
                'backend:=tensorrt, onnx, ncnn or openvino'
            )

    def __call__(self, module: nn.Module, key: str) -> ModelRunner:
        """
        Return the runner of a network.

        :param module: in fp32 on the CPU; forward takes and returns tensors
        :param key: short name, for files and messages
        :raises BackendError: for an ONNX file and another backend
        """
        given = isinstance(module, OnnxFile)
        if given and self.execution.backend not in ('onnx', 'ncnn', 'openvino'):
            raise BackendError(
                f'{module.path} is an ONNX file, which backend {self.execution.backend} cannot '
                'run; use backend:=onnx'
            )
        network = ModelRunner(
            module,
            key,
            self.backend,
            self.execution.device,
            # Torch cannot run a given file, so there is nothing to compare it with.
            max_abs_rel=None if given else self._options.max_abs_rel,
            build_only=self._options.build_only,
            otherwise=self._options.log if self.execution.auto and not given else None,
        )
        self._made.append(network)
        return network

    @property
    def judged(self) -> bool:
        """Whether any of them is compared with fp32 torch at a new size."""
        return any(network.judged for network in self._made)

    def runners(self) -> tuple[Runner, ...]:
        """Return the runners of all networks, see :meth:`ModelRunner.runners`."""
        return tuple(runner for network in self._made for runner in network.runners())

    @contextmanager
    def noting(self) -> Iterator[list[tuple[ModelRunner, Tensors]]]:
        """
        Collect every network call made inside, so that each can be repeated separately.

        :return: networks and their inputs, in the order of the calls
        """
        calls: list[tuple[ModelRunner, Tensors]] = []
        for network in self._made:
            network.note = lambda inputs, network=network: calls.append((network, inputs))
        try:
            yield calls
        finally:
            for network in self._made:
                network.note = None

    def describe(self) -> list[str]:
        """Return a line for each network that has run, with its deviation from fp32 torch."""
        return [
            f'self-check: {network.key} differs from fp32 torch by {network.deviation}'
            for network in self._made
            if network.deviation is not None
        ]
