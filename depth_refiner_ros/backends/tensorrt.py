"""Networks as TensorRT engines, built from the same ONNX files that ONNX Runtime reads."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.backends.base import Log, Runner, silent, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.onnx_export import cached_onnx, onnx_facts
from depth_refiner_ros.backends.tensorrt_api import gpu_facts, has_gpu, load_tensorrt
from depth_refiner_ros.backends.tensorrt_build import build_engine
from depth_refiner_ros.core.errors import BackendError
import torch
from torch import nn

FILE = 'model.engine'
Binding = tuple[str, tuple[int, ...], torch.dtype]


class TensorRtBackend:
    """
    TensorRT on the GPU of this machine, or its engines for GPUs elsewhere.

    :param precision: fp32, fp16 or bf16
    :param cache: keeps ONNX files, engines and timings
    :param target: GPU generations to build for, such as ``sm86,sm89`` (TensorRT-RTX); empty for
        this machine's
    :param log: hears how far a build is
    :raises BackendError: where TensorRT is not installed
    """

    name = 'tensorrt'
    exact = False
    fix = (
        'use precision:=fp32 or backend:=compiled, or install another TensorRT (10.3 of '
        'JetPack 6.2 gives wrong depth, 10.14 and later are sound)'
    )

    def __init__(
        self, precision: str, cache: EngineCache, target: str = '', log: Log = silent
    ) -> None:
        self._trt = load_tensorrt()
        self.precision = precision
        self._cache = cache
        self._target = target
        self._log = log

    def build(self, module: nn.Module, key: str, example: Tensors) -> Path:
        """
        Build the engine of a network, or find it built.

        :raises BackendError: where TensorRT refuses it, or there is no GPU to build for
        """
        return self._cache.entry(f'{key}-engine', *self._build_facts(module, key, example)) / FILE

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """
        Build and load an engine; see :class:`~depth_refiner_ros.backends.base.Backend`.

        :raises BackendError: also where this machine has no GPU to run it
        """
        if not has_gpu():
            raise BackendError(
                'backend = tensorrt: torch sees no CUDA GPU to run engines on; use '
                'backend:=onnx here, or build_only with a target'
            )
        facts, build = self._build_facts(module, key, example)
        name = f'{key}-engine'
        for _ in range(2):
            engine = self._cache.entry(name, facts, build) / FILE
            loaded = _loaded(self._trt.module, engine.read_bytes())
            if loaded is not None:
                return EngineRunner(self._trt.module, *loaded)
            self._cache.drop(name, facts, 'TensorRT cannot load it')
        raise BackendError(
            f'TensorRT {self._trt.version} cannot load the engine of {key} that it '
            'has just built (out of memory?); use backend:=compiled, or a smaller '
            'image'
        )

    def _build_facts(
        self, module: nn.Module, key: str, example: Tensors
    ) -> tuple[dict[str, Any], Any]:
        """Return everything the engine depends on, and what builds it."""
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
    One engine on the current CUDA stream; it may be part of a CUDA graph.

    :param api: TensorRT's Python module
    :param keep: runtime and engine, which must outlive the context
    :param context: execution context of an engine with fixed shapes
    """

    def __init__(self, api: Any, keep: tuple[Any, Any], context: Any) -> None:
        self._keep, self._context = keep, context
        engine = keep[1]
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
        Run the engine; each call gives new tensors.

        :raises BackendError: where TensorRT cannot start it
        """
        stream = torch.cuda.current_stream()
        given = [
            value.detach().to(stream.device, kind).contiguous()
            for value, (_, _, kind) in zip(inputs, self._inputs, strict=True)
        ]
        results = [
            torch.empty(shape, dtype=kind, device=stream.device)
            for _, shape, kind in self._outputs
        ]
        for (name, _, _), value in zip((*self._inputs, *self._outputs), (*given, *results)):
            self._context.set_tensor_address(name, value.data_ptr())
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise BackendError(
                'TensorRT could not start the engine; build it again with another engine_cache'
            )
        floats = [value.float() for value in results]
        return floats[0] if len(floats) == 1 else tuple(floats)


def _loaded(api: Any, serialised: bytes) -> tuple[tuple[Any, Any], Any] | None:
    """Return runtime and engine with a context, None where TensorRT refuses them."""
    runtime = api.Runtime(api.Logger(api.Logger.ERROR))
    engine = runtime.deserialize_cuda_engine(serialised)
    context = engine.create_execution_context() if engine is not None else None
    return None if context is None else ((runtime, engine), context)


def _torch_type(api: Any, kind: Any) -> torch.dtype:
    known = {'FLOAT': torch.float32, 'HALF': torch.float16, 'BF16': torch.bfloat16}
    return next(
        dtype for name, dtype in known.items() if kind == getattr(api.DataType, name, None)
    )
