# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run networks as TensorRT engines, built from the ONNX files that ONNX Runtime reads, too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from depth_refiner_ros.backends.base import Log, Runner, silent, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.onnx_export import cached_onnx, onnx_facts
from depth_refiner_ros.backends.tensorrt_api import check_gpu, gpu_facts, load_tensorrt
from depth_refiner_ros.backends.tensorrt_build import build_engine
from depth_refiner_ros.core.errors import BackendError, OutputError
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

FILE = 'model.engine'
Binding = tuple[str, tuple[int, ...], torch.dtype]


class TensorRtBackend:
    """
    TensorRT on the GPU of this machine; can also build engines for other GPUs.

    :param precision: fp32, fp16 or bf16
    :param cache: keeps ONNX files, engines and timings
    :param target: GPU generations to build for, such as ``sm86,sm89`` (TensorRT-RTX); empty for
        this machine's
    :param log: called with the progress of a build
    :param build_only: engines are built here and run elsewhere
    :raises BackendError: if there is no GPU that runs its engines, or TensorRT is not installed
    """

    name = 'tensorrt'
    exact = False
    fix = (
        'use precision:=fp32 or backend:=compiled, or install another TensorRT (10.3 of '
        'JetPack 6.2 gives wrong depth, 10.14 and later are sound)'
    )

    def __init__(
        self,
        precision: str,
        cache: EngineCache,
        target: str = '',
        log: Log = silent,
        *,
        build_only: bool = False,
    ) -> None:
        check_gpu(target, build_only=build_only)
        self._trt = load_tensorrt()
        self.precision = precision
        self._cache = cache
        self._target = target
        self._log = log

    def build(self, module: nn.Module, key: str, example: Tensors) -> Path:
        """
        Build the engine of a network unless the cache has it.

        :raises BackendError: if TensorRT refuses it
        """
        return self._cache.entry(f'{key}-engine', *self._build_facts(module, key, example)) / FILE

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Build and load an engine; see :class:`~depth_refiner_ros.backends.base.Backend`.

        :raises BackendError: also if TensorRT refuses the network or its own engine
        """
        facts, build = self._build_facts(module, key, example)
        name = f'{key}-engine'
        for _ in range(2):
            engine = self._cache.entry(name, facts, build) / FILE
            loaded = self._loaded(engine)
            if loaded is not None:
                return loaded
            self._cache.drop(name, facts, 'TensorRT cannot load it')
        raise BackendError(
            f'TensorRT {self._trt.version} cannot load the engine of {key} that it '
            'has just built (out of memory?); use backend:=compiled, or a smaller '
            'image'
        )

    def _loaded(self, engine_file: Path) -> 'EngineRunner | None':
        """Return the runner of an engine, None if TensorRT refuses it."""
        api = self._trt.module
        runtime = api.Runtime(api.Logger(api.Logger.ERROR))
        engine = runtime.deserialize_cuda_engine(engine_file.read_bytes())
        if engine is None:
            return None
        file = f'runtime-{engine_file.parent.name}'
        kept = self._cache.read(file)
        context, compiled = self._trt.context(engine, kept)
        if context is None:
            return None

        def keep() -> None:
            content = b'' if compiled is None else bytes(compiled.serialize())
            if not content or content == kept:
                return
            try:
                self._cache.write(file, content)
            except OutputError as error:
                self._log(f'the next start compiles {engine_file.parent.name} again: {error}')

        return EngineRunner(api, (runtime, engine, compiled), context, keep)

    def _build_facts(
        self, module: nn.Module, key: str, example: Tensors
    ) -> tuple[dict[str, Any], Any]:
        """Return everything the engine depends on, and the function that builds it."""
        trt = self._trt
        inside = self.precision if trt.strongly_typed else 'fp32'
        exported = onnx_facts(module, example, inside)
        machine = gpu_facts(trt, self._target)
        facts = {
            **exported,
            **machine,
            'what': 'engine',
            'precision': self.precision,
            'strongly_typed': trt.strongly_typed,
        }
        timings = f'timings-{machine["flavour"]}-{machine["version"]}-{machine["capability"]}'

        def build(folder: Path) -> None:
            onnx_file = cached_onnx(self._cache, module, key, example, exported)
            self._log(
                f'building {key} with TensorRT {trt.version} ({self.precision}); a large '
                'network takes minutes, once'
            )
            built = build_engine(
                trt,
                onnx_file,
                precision=self.precision,
                log=self._log,
                targets=self._target.split(',') if self._target else (),
                timings=self._cache.read(timings),
            )
            (folder / FILE).write_bytes(built.engine)
            if built.timings:
                self._cache.write(timings, built.timings)

        return facts, build


class EngineRunner:
    """
    One engine; it may be part of a CUDA graph.

    It runs on the current CUDA stream. Instead of the default stream, on which TensorRT would
    make the host wait in every call, it uses a separate one.

    :param api: TensorRT's Python module
    :param alive: runtime, engine and runtime cache, which must outlive the context
    :param context: execution context of an engine with fixed shapes
    :param after_first: called once the engine has run
    """

    def __init__(
        self,
        api: Any,
        alive: tuple[Any, Any, Any],
        context: Any,
        after_first: Callable[[], None] = lambda: None,
    ) -> None:
        self._alive, self._context = alive, context
        self._after_first: Callable[[], None] | None = after_first
        self._own_stream: torch.cuda.Stream | None = None
        engine = alive[1]
        self._inputs: list[Binding] = []
        self._outputs: list[Binding] = []
        for place in range(engine.num_io_tensors):
            name = engine.get_tensor_name(place)
            facts = (
                name,
                tuple(engine.get_tensor_shape(name)),
                _torch_type(api, engine.get_tensor_dtype(name)),
            )
            is_input = engine.get_tensor_mode(name) == api.TensorIOMode.INPUT
            (self._inputs if is_input else self._outputs).append(facts)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """
        Run the engine; each call returns new tensors.

        :raises BackendError: if TensorRT cannot start it
        """
        device = inputs[0].device if inputs[0].is_cuda else torch.device('cuda')
        given = [
            value.detach().to(device, kind).contiguous()
            for value, (_, _, kind) in zip(inputs, self._inputs, strict=True)
        ]
        results = [
            torch.empty(shape, dtype=kind, device=device) for _, shape, kind in self._outputs
        ]
        # The tensors without values that test a frame before its capture have no address.
        if not isinstance(given[0], FakeTensor):
            self._launch((*given, *results))
        floats = [value.float() for value in results]
        return floats[0] if len(floats) == 1 else tuple(floats)

    def _launch(self, tensors: Tensors) -> None:
        for (name, _, _), value in zip((*self._inputs, *self._outputs), tensors, strict=True):
            self._context.set_tensor_address(name, value.data_ptr())
        here = torch.cuda.current_stream()
        stream = here
        if not here.cuda_stream:
            self._own_stream = stream = self._own_stream or torch.cuda.Stream()
            stream.wait_stream(here)
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise BackendError(
                'TensorRT could not start the engine; build it again with another engine_cache'
            )
        if stream is not here:
            # Memory that is freed below is reused only after this.
            here.wait_stream(stream)
        if self._after_first is not None:
            after_first, self._after_first = self._after_first, None
            after_first()


def _torch_type(api: Any, kind: Any) -> torch.dtype:
    known = {'FLOAT': torch.float32, 'HALF': torch.float16, 'BF16': torch.bfloat16}
    return next(
        dtype for name, dtype in known.items() if kind == getattr(api.DataType, name, None)
    )
