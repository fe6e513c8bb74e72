# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choose device, backend, number format and threads once, and run networks with them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import importlib.util

from depth_refiner_ros.backends.mixed_precision import DTYPES
from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.messages import shown
import torch

DEVICES = ('auto', 'cpu', 'cuda')
BACKENDS = ('auto', 'torch', 'compiled', 'onnx', 'ncnn', 'openvino', 'tensorrt')
ONNX_MODULES = ('onnx', 'onnxruntime', 'onnxscript')
NCNN_MODULES = ('ncnn', 'pnnx')
OPENVINO_MODULES = ('openvino',)


@dataclass(frozen=True, kw_only=True)
class Execution:
    """
    Device, backend and number format of the networks.

    :param device: torch device
    :param precision: fp32, fp16 or bf16; everything outside networks stays fp32
    :param backend: torch, compiled, onnx, ncnn, openvino or tensorrt
    :param threads: CPU threads, 0 is torch's choice
    :param auto: backend and number format were chosen here, so others may stand in for them
    """

    device: torch.device
    precision: str
    backend: str = 'torch'
    threads: int = 0
    auto: bool = False

    @property
    def whole_frames(self) -> bool:
        """Whether a frame is captured into one CUDA graph."""
        return self.backend in ('compiled', 'tensorrt') and self.device.type == 'cuda'

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run networks without a backend, without gradients and in the chosen number format."""
        reduced = self.precision != 'fp32'
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, DTYPES[self.precision], enabled=reduced),
        ):
            yield


def choose(
    device: str = 'auto', precision: str = 'auto', threads: int = 0, backend: str = 'auto'
) -> Execution:
    """
    Resolve ``auto`` for this machine.

    The rule was measured with earlier bundled networks, one thread, 640 x 480, in milliseconds of
    CPU time (refiner + prior; AMD Zen 5): torch bf16 58 + 10, ONNX Runtime fp32 75 + 8.5, torch
    fp32 95 + 15, torch.compile bf16 66 + 15 after minutes of compiling; on two threads of an AMD
    Zen 4 OpenVINO bf16 57 + 16, torch bf16 58 + 34; with AVX2 alone (AMD Zen 3) ncnn fp32 140 (the
    refiner), ONNX Runtime fp32 219 + 65, torch fp32 323 + 96. So a CPU that multiplies bfloat16
    natively takes OpenVINO or else torch in bf16, any other ncnn, which leaves the prior to ONNX
    Runtime, or ONNX Runtime alone, as they are installed. A GPU takes torch in fp16: compiled and
    tensorrt are faster there, but take minutes to start, so they must be requested by name. With a
    given precision, ``auto`` is torch.

    :param device: auto, cpu or cuda
    :param precision: auto, fp32, fp16 or bf16
    :param threads: CPU threads of torch in this process; 0 leaves torch's choice
    :param backend: auto, torch, compiled, onnx, ncnn, openvino or tensorrt
    :raises BackendError: if a word is unknown or names something that is not available
    """
    if device not in DEVICES or precision not in ('auto', *DTYPES) or backend not in BACKENDS:
        raise BackendError(
            f'device = {shown(device)} must be one of {DEVICES}, precision = '
            f'{shown(precision)} auto or one of {tuple(DTYPES)}, backend = {shown(backend)} '
            f'one of {BACKENDS}'
        )
    if device == 'cuda' and not torch.cuda.is_available():
        raise BackendError(
            'device = cuda, but torch sees no CUDA GPU; use device:=cpu or install '
            'a CUDA build of torch'
        )
    kind = device if device != 'auto' else 'cuda' if torch.cuda.is_available() else 'cpu'
    if threads:
        torch.set_num_threads(threads)
    auto = backend == precision == 'auto'
    if backend == 'auto':
        plain = kind == 'cuda' or precision != 'auto' or not _has(ONNX_MODULES)
        backend = 'torch' if plain else _fastest_on_cpu()
    if precision == 'fp16' and kind == 'cpu' and backend != 'tensorrt':
        raise BackendError('precision = fp16 is for GPUs; use bf16 or fp32 on a CPU')
    if precision == 'auto':
        precision = _precision(kind, backend)
    return Execution(
        device=torch.device(kind), precision=precision, backend=backend, threads=threads, auto=auto
    )


def _precision(kind: str, backend: str) -> str:
    """Return the fastest number format that is accurate enough for depth."""
    if kind == 'cuda' or backend == 'tensorrt':
        return 'fp16'
    return 'bf16' if backend not in ('onnx', 'ncnn') and fast_bf16() else 'fp32'


def _fastest_on_cpu() -> str:
    if fast_bf16():
        return 'openvino' if _has(OPENVINO_MODULES) else 'torch'
    return 'ncnn' if _has(NCNN_MODULES) else 'onnx'


def fast_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 natively; emulated, it is slower than fp32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _has(modules: tuple[str, ...]) -> bool:
    """Whether they are installed, without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in modules)
