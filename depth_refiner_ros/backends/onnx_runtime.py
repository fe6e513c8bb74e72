# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run networks with ONNX Runtime, which reads and writes torch's memory directly."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.backends.base import Runner, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.onnx_export import cached_onnx, onnx_facts
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.models.onnx_file import OnnxFile
import numpy as np
import torch
from torch import nn

PROVIDERS = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}
NUMBERS = {'tensor(float)': np.float32, 'tensor(int64)': np.int64}
"""Number formats of the inputs of given files."""


class OnnxBackend:
    """
    ONNX Runtime on the CPU or a CUDA GPU.

    :param device: where networks run
    :param precision: fp32; fp16 and bf16 only on a GPU
    :param cache: keeps the exported files
    :param threads: CPU threads, 0 takes as many as torch
    :raises BackendError: if the runtime, or its provider for the device, is not installed
    """

    name = 'onnx'
    exact = False
    fix = 'use backend:=torch, or precision:=fp32'

    def __init__(
        self, device: torch.device, precision: str, cache: EngineCache, threads: int = 0
    ) -> None:
        self._runtime = _runtime()
        provider = PROVIDERS[device.type]
        if provider not in self._runtime.get_available_providers():
            raise BackendError(
                f'backend = onnx: this ONNX Runtime has no {provider}; run: pip '
                'install onnxruntime-gpu, or use backend:=torch'
            )
        if device.type == 'cpu' and precision != 'fp32':
            raise BackendError(
                f'backend = onnx runs on a CPU only in fp32, not {precision}; use '
                'precision:=fp32, or backend:=torch'
            )
        self.device = device
        self.precision = precision
        self._cache = cache
        self._threads = threads
        self._given: dict[Path, Any] = {}

    def build(self, module: nn.Module, key: str, example: Tensors) -> Path:
        """Export the network unless the cache has it."""
        if isinstance(module, OnnxFile):
            return module.path
        facts = onnx_facts(module, example, self.precision)
        return cached_onnx(self._cache, module, key, example, facts)

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """Export and load the network; see :class:`~depth_refiner_ros.backends.base.Backend`."""
        if isinstance(module, OnnxFile):
            if module.path not in self._given:
                self._given[module.path] = self.session(module.path, given=True)
            return GivenRunner(self._given[module.path], module, self.device)
        return OnnxRunner(self.session(self.build(module, key, example)), self.device)

    def session(self, path: Path, *, given: bool = False) -> Any:
        """
        Load an ONNX file.

        :param given: it was not exported here, so that torch cannot stand in for it
        :raises BackendError: if the runtime refuses it, or would run it on another device
        """
        provider = PROVIDERS[self.device.type]
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = self._threads or torch.get_num_threads()
        options.inter_op_num_threads = 1
        # Threads that spin while waiting would take the cores from the rest of the robot.
        options.add_session_config_entry('session.intra_op.allow_spinning', '0')
        options.log_severity_level = 3
        fail = self._runtime.capi.onnxruntime_pybind11_state
        try:
            session = self._runtime.InferenceSession(
                str(path), options, providers=[provider], enable_fallback=0
            )
        except (
            fail.Fail,
            fail.InvalidArgument,
            fail.InvalidGraph,
            fail.InvalidProtobuf,
            fail.NotImplemented,
            fail.RuntimeException,
        ) as error:
            fix = 'get the file again' if given else 'use backend:=torch'
            raise BackendError(
                f'ONNX Runtime cannot load {path}: {first_line(error)}; {fix}'
            ) from error
        # Providers are listed as available if compiled in; without CUDA's libraries the session
        # falls back to the CPU, and would read GPU addresses there.
        if provider not in session.get_providers():
            raise BackendError(
                f'backend = onnx: {provider} does not start on this machine (ONNX Runtime '
                f'{self._runtime.__version__} needs the CUDA and cuDNN that it was built for), '
                f'only {", ".join(session.get_providers())}; use device:=cpu or backend:=torch'
            )
        return session


class GivenRunner:
    """
    A network that came as an ONNX file, with shapes of any size.

    :param session: ONNX Runtime session of the file
    :param network: names the file and the wanted outputs
    :param device: where inputs and outputs live
    :raises BackendError: if the file lacks an output, or has inputs in other number formats
    """

    def __init__(self, session: Any, network: OnnxFile, device: torch.device) -> None:
        self._session, self._network, self._device = session, network, device
        found = [value.name for value in session.get_outputs()]
        if lacking := [name for name in network.outputs if name not in found]:
            raise BackendError(
                f'{network.path} has no output {lacking[0]}, only {", ".join(found)}; use the '
                "file of the network's authors"
            )
        for value in session.get_inputs():
            if value.type not in NUMBERS:
                raise BackendError(
                    f'{network.path}: its input {value.name} is of type {value.type}, which is '
                    f'none of {", ".join(NUMBERS)}; use the file in fp32'
                )

    def __call__(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Run the network; arrays go through the memory of the host."""
        wanted = self._session.get_inputs()
        if len(wanted) != len(inputs):
            names = ', '.join(value.name for value in wanted)
            raise BackendError(
                f'{self._network.path} has inputs {names}, not {len(inputs)}; use the file of '
                "the network's authors"
            )
        given = {
            value.name: one.detach().cpu().numpy().astype(NUMBERS[value.type])
            for value, one in zip(wanted, inputs)
        }
        try:
            results = self._session.run(list(self._network.outputs), given)
        except _runtime().capi.onnxruntime_pybind11_state.InvalidArgument as error:
            raise BackendError(
                f'{self._network.path} does not take such an image: {" ".join(str(error).split())}'
                "; use the file of the network's authors"
            ) from error
        return tuple(torch.from_numpy(one).to(self._device) for one in results)


class OnnxRunner:
    """
    One loaded network; tensors are bound in place, without a copy.

    :param session: ONNX Runtime session with fp32 inputs and outputs of fixed shapes
    :param device: where the tensors live
    """

    def __init__(self, session: Any, device: torch.device) -> None:
        self._session = session
        self._device = device
        self._inputs = [value.name for value in session.get_inputs()]
        self._outputs = [(value.name, tuple(value.shape)) for value in session.get_outputs()]

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """Run the network; each call returns new tensors."""
        binding = self._session.io_binding()
        # Kept alive until the call is over, because the runtime holds only their addresses.
        given = [value.detach().to(self._device, torch.float32).contiguous() for value in inputs]
        results = [torch.empty(shape, device=self._device) for _, shape in self._outputs]
        for name, value in zip(self._inputs, given, strict=True):
            binding.bind_input(name, *self._place(value))
        for (name, _), value in zip(self._outputs, results):
            binding.bind_output(name, *self._place(value))
        if self._device.type == 'cuda':
            torch.cuda.current_stream().synchronize()
        self._session.run_with_iobinding(binding)
        if self._device.type == 'cuda':
            binding.synchronize_outputs()
        return results[0] if len(results) == 1 else tuple(results)

    def _place(self, value: torch.Tensor) -> tuple[Any, ...]:
        """Return the address of a tensor in the form that the runtime needs."""
        return (
            self._device.type,
            self._device.index or 0,
            np.float32,
            tuple(value.shape),
            value.data_ptr(),
        )


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendError(
            'backend = onnx needs ONNX Runtime; run: pip install onnxruntime, or '
            'use backend:=torch'
        ) from error
    return onnxruntime
