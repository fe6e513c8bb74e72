# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run networks with OpenVINO, which fuses layers in bfloat16 where torch runs them one by one."""

from pathlib import Path
import sys
from threading import Lock
from typing import Any

from depth_refiner_ros.backends.base import Runner, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.backends.pooled_norms import with_pooled_norms
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.models.onnx_file import OnnxFile
import numpy as np
import torch
from torch import nn

TELEMETRY = 'openvino_telemetry'
"""A package that pip installs beside OpenVINO."""
FORMATS = {'fp32': 'f32', 'bf16': 'bf16'}


class OpenVinoBackend:
    """
    OpenVINO on the CPU; networks that came as ONNX files run in ONNX Runtime.

    :param device: the CPU
    :param precision: fp32 or bf16
    :param cache: keeps the exported files, which are those of ONNX Runtime but for group norms
    :param threads: CPU threads, 0 takes as many as torch
    :raises BackendError: if OpenVINO is not installed, or for anything but the CPU
    """

    name = 'openvino'
    exact = False
    fix = 'use backend:=torch, or precision:=fp32'

    def __init__(
        self, device: torch.device, precision: str, cache: EngineCache, threads: int = 0
    ) -> None:
        if device.type != 'cpu' or precision not in FORMATS:
            raise BackendError(
                f'backend = openvino runs on the CPU in {" or ".join(FORMATS)}, not on '
                f'{device.type} in {precision}; use device:=cpu and precision:=auto, or '
                'backend:=torch'
            )
        self._core = _openvino().Core()
        self._onnx = OnnxBackend(device, 'fp32', cache, threads)
        self.precision, self._threads = precision, threads

    def build(self, module: nn.Module, key: str, example: Tensors) -> Path:
        """Export the network unless the cache has it."""
        if isinstance(module, OnnxFile):
            return self._onnx.build(module, key, example)
        return self._onnx.build(with_pooled_norms(module), key, example)

    def prepare(self, module: nn.Module, key: str, example: Tensors) -> Runner:
        """Export and load the network; see :class:`~depth_refiner_ros.backends.base.Backend`."""
        if isinstance(module, OnnxFile):
            return self._onnx.prepare(module, key, example)
        path = self.build(module, key, example)
        hints = {
            'PERFORMANCE_HINT': 'LATENCY',
            'NUM_STREAMS': 1,
            'INFERENCE_PRECISION_HINT': FORMATS[self.precision],
            'INFERENCE_NUM_THREADS': self._threads or torch.get_num_threads(),
            # A thread that stays on its core waits there for whatever else the robot runs.
            'ENABLE_CPU_PINNING': False,
        }
        try:
            network = self._core.compile_model(self._core.read_model(path), 'CPU', hints)
        except RuntimeError as error:
            raise BackendError(
                f'OpenVINO cannot load {path}: {first_line(error)}; use backend:=torch'
            ) from error
        return OpenVinoRunner(network)


class OpenVinoRunner:
    """
    One loaded network, which reads torch's memory directly.

    :param network: compiled model with fp32 inputs and outputs of fixed shapes
    """

    def __init__(self, network: Any) -> None:
        self._request = network.create_infer_request()
        self._lock = Lock()  # a request holds the memory of one call
        self._outputs = len(network.outputs)

    def __call__(self, *inputs: torch.Tensor) -> Any:
        """Run the network; each call returns new tensors."""
        given = [value.detach().float().contiguous().numpy() for value in inputs]
        with self._lock:
            self._request.infer(given, share_inputs=True)
            results = [
                torch.from_numpy(np.array(self._request.get_output_tensor(place).data))
                for place in range(self._outputs)
            ]
        return results[0] if len(results) == 1 else tuple(results)


def _openvino() -> Any:
    """Import OpenVINO without its telemetry, which would report each import to a web service."""
    loaded = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # its import fails, as if missing
    try:
        import openvino
    except ImportError as error:
        raise BackendError(
            f'backend = openvino needs OpenVINO ({first_line(error)}); run: pip install openvino, '
            'or use backend:=torch'
        ) from error
    finally:
        del sys.modules[TELEMETRY]
        if loaded is not None:
            sys.modules[TELEMETRY] = loaded
    return openvino
