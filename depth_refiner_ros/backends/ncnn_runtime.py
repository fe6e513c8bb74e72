# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Run convolutional networks with ncnn, which multiplies less than others.

Winograd's algorithm (Lavin and Gray, arXiv 1509.09308) takes a 3 x 3 convolution with 2.25 to 5
times fewer multiplications; ncnn has it for AVX2 and NEON, ONNX Runtime and OpenVINO do not.
"""

import errno
import io
import os
from pathlib import Path
import shutil
import subprocess
from typing import Any, cast
import warnings

from depth_refiner_ros.backends.base import Log, MOST_WEIGHTS, Runner, shapes_of, Tensors
from depth_refiner_ros.backends.engine_cache import EngineCache
from depth_refiner_ros.backends.model_hash import model_hash
from depth_refiner_ros.backends.onnx_runtime import OnnxBackend
from depth_refiner_ros.core.errors import BackendError
import numpy as np
import torch
from torch import nn

TRACE, PARAM, WEIGHTS = 'model.pt', 'model.ncnn.param', 'model.ncnn.bin'
BUILD_S = 600.0
FULL_BYTES = 2**20
"""A disk with less room than this is full."""
HALF = (
    'use_fp16_packed',
    'use_fp16_storage',
    'use_fp16_arithmetic',
    'use_bf16_packed',
    'use_bf16_storage',
)


class NcnnBackend:
    """
    ncnn on the CPU for networks of convolutions alone, ONNX Runtime for all others.

    :param device: the CPU
    :param precision: fp32
    :param cache: keeps the converted files
    :param threads: CPU threads, 0 takes as many as torch
    :param log: called with the reason, where a network cannot be converted
    :raises BackendError: if ncnn or its converter is not installed, or for anything but fp32 on
        the CPU
    """

    name, precision = 'ncnn', 'fp32'
    exact = False
    fix = 'use backend:=onnx'

    def __init__(
        self, device: torch.device, precision: str, cache: EngineCache, threads: int, log: Log
    ) -> None:
        if (device.type, precision) != ('cpu', self.precision):
            raise BackendError(
                f'backend = ncnn runs on the CPU in fp32, not on {device.type} in {precision}; '
                'use device:=cpu and precision:=fp32, or backend:=torch'
            )
        self._ncnn, self._converter = _ncnn(), _converter()
        self._onnx = OnnxBackend(device, precision, cache, threads)
        self._cache, self._threads, self._log = cache, threads, log

    def build(self, module: Any, key: str, example: Tensors) -> Path:
        """Convert the network, or export it for ONNX Runtime, unless the cache has it."""
        if packs(module):
            return self.build(module.unet, key, (module.sample(*example),))
        converted = self._converted(module, key, example)
        return converted or self._onnx.build(module, key, example)

    def prepare(self, module: Any, key: str, example: Tensors) -> Runner:
        """Convert and load the network; see :class:`~depth_refiner_ros.backends.base.Backend`."""
        if packs(module):
            unet = self.prepare(module.unet, key, (module.sample(*example),))
            return cast(Runner, module.around(unet))
        converted = self._converted(module, key, example)
        if converted is None:
            return self._onnx.prepare(module, key, example)
        return NcnnRunner(self._loaded(converted))

    def _converted(self, module: nn.Module, key: str, example: Tensors) -> Path | None:
        """Return the file of a network; None for one that is left to ONNX Runtime."""
        if not pays(module):
            return None
        single = tuple(value[:1] for value in example)
        facts = {
            'what': 'ncnn',
            'model': model_hash(module),
            'shapes': shapes_of(single),
            'torch': torch.__version__,
            'ncnn': self._ncnn.__version__,
        }
        try:
            folder = self._cache.entry(
                f'{key}-ncnn', facts, lambda place: self._convert(module, single, place)
            )
        except NotConvertedError as error:
            self._log(f'{key} runs in ONNX Runtime, more slowly: {error}')
            return None
        return folder / PARAM

    def _convert(self, module: nn.Module, example: Tensors, folder: Path) -> None:
        """Write the network for inputs of these shapes."""
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that sizes become constants, which is what is wanted
            traced = torch.jit.freeze(torch.jit.trace(module.eval(), example, check_trace=False))
        buffer = io.BytesIO()
        torch.jit.save(traced, buffer)  # writing a file itself, torch ends the process if it fails
        (folder / TRACE).write_bytes(buffer.getvalue())
        shapes = ','.join(str(list(value.shape)).replace(' ', '') for value in example)
        command = [self._converter, TRACE, f'inputshape={shapes}', 'fp16=0']
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=BUILD_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotConvertedError(f'pnnx: {error}') from error
        made = (folder / PARAM, folder / WEIGHTS)
        if done.returncode or not all(path.is_file() for path in made):
            raise NotConvertedError(f'pnnx cannot convert it (exit code {done.returncode})')
        if self._net(folder / PARAM) is None:  # it does not notice that it cannot write
            if shutil.disk_usage(folder).free < FULL_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise NotConvertedError('ncnn cannot load what pnnx made of it')
        for path in folder.iterdir():
            if path not in made:
                path.unlink()

    def _loaded(self, param: Path) -> Any:
        net = self._net(param)
        if net is None:
            raise BackendError(
                f'ncnn cannot load {param}; remove {param.parent}, which is built again, or '
                f'{self.fix}'
            )
        return net

    def _net(self, param: Path) -> Any:
        """Return the network in a file and the one beside it, None if they are incomplete."""
        net = self._ncnn.Net()
        net.opt.num_threads = self._threads or torch.get_num_threads()
        # Nothing in half precision, which some CPUs would be given.
        for option in HALF:
            setattr(net.opt, option, False)
        if net.load_param(str(param)) or net.load_model(str(param.with_name(WEIGHTS))):
            return None
        return net


class NotConvertedError(BackendError):
    """A network has an operation that the converter does not know."""


class NcnnRunner:
    """
    One loaded network of one output; the images of a batch run one after the other.

    :param net: ncnn network with inputs of fixed shapes
    """

    def __init__(self, net: Any) -> None:
        self._net = net
        self._mat = _ncnn().Mat

    def __call__(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Run the network; each call returns a new tensor."""
        arrays = [value.detach().float().contiguous().numpy() for value in inputs]
        return torch.from_numpy(np.stack([self._one(*image) for image in zip(*arrays)]))

    def _one(self, *arrays: np.ndarray) -> np.ndarray:
        run = self._net.create_extractor()
        for place, array in enumerate(arrays):
            run.input(f'in{place}', self._mat(array))
        failed, result = run.extract('out0')
        if failed:
            raise BackendError('ncnn could not run the network; use backend:=onnx')
        return np.asarray(result)


def packs(module: Any) -> bool:
    """
    Whether a network packs pixels into cells for one inside, which alone runs here.

    It says so by ``around``. What the converter makes of packing ends the process.
    """
    return pays(module) and hasattr(module, 'around')


def pays(module: nn.Module) -> bool:
    """
    Whether a network is faster in ncnn, and safe there.

    It says so by ``only_convolutions``. Of others the converter makes, without an error, files
    whose first run ends the process.
    """
    weights = sum(weight.numel() for weight in module.parameters())
    return bool(getattr(module, 'only_convolutions', False)) and weights <= MOST_WEIGHTS


def _ncnn() -> Any:
    try:
        import ncnn
    except ImportError as error:
        raise BackendError(
            'backend = ncnn needs ncnn; run: pip install ncnn pnnx, or use backend:=onnx'
        ) from error
    return ncnn


def _converter() -> str:
    """Return the program that reads what torch traced."""
    try:
        import pnnx
    except ImportError as error:
        raise BackendError(
            'backend = ncnn needs pnnx; run: pip install ncnn pnnx, or use backend:=onnx'
        ) from error
    return str(pnnx.EXEC_PATH)
