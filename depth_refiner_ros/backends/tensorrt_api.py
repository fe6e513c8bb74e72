# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The installed TensorRT, and the differences between its versions."""

from dataclasses import dataclass
import importlib
import platform
from typing import Any

from depth_refiner_ros.core.errors import BackendError
from depth_refiner_ros.core.messages import shown
import torch

MODULES = {
    'tensorrt': 'tensorrt',
    'tensorrt_rtx': 'tensorrt_rtx',
    'tensorrt_rtx_bindings': 'tensorrt_rtx',
}
"""Python modules with their flavours, in order of preference."""
RTX_SERVES = ('7.5', '8.0', '8.6', '8.9', '12.0', '12.1')
"""Compute capabilities that TensorRT-RTX supports: neither Orin (8.7) nor H100 (9.0)."""
JETSONS = ((7, 2), (8, 7))
"""Compute capabilities of Xavier and Orin."""
HINTS = {
    'jetson': 'on a Jetson run: sudo apt install python3-libnvinfer',
    'rtx': 'run: pip install tensorrt_rtx_cu13_libs tensorrt_rtx_cu13_bindings',
    'full': 'run: pip install tensorrt-cu13 (11, or 10.14 and later)',
}


@dataclass(frozen=True)
class TensorRt:
    """
    An installed TensorRT.

    :param module: its Python module
    :param flavour: ``tensorrt`` (Jetson, data centre) or ``tensorrt_rtx`` (desktop GPUs)
    :param version: as reported by the module
    """

    module: Any
    flavour: str
    version: str

    @property
    def strongly_typed(self) -> bool:
        """
        Whether number formats come from the network.

        So it is from TensorRT 10 on, which still has flags for them, too; TensorRT 8 has only
        flags, TensorRT 11 has none.
        """
        return hasattr(self.module.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')

    def network_flags(self) -> int:
        """Return the flags of a new network."""
        kinds = self.module.NetworkDefinitionCreationFlag
        names = ['STRONGLY_TYPED'] if self.strongly_typed else ['EXPLICIT_BATCH']
        return sum(1 << int(getattr(kinds, name)) for name in names)

    def precision_flags(self, precision: str) -> list[Any]:
        """
        Return the builder flags for a number format; none if the network is strongly typed.

        :raises BackendError: if this version has none for it
        """
        if self.strongly_typed or precision == 'fp32':
            return []
        flag = getattr(self.module.BuilderFlag, precision.upper(), None)
        if flag is None:
            raise BackendError(
                f'TensorRT {self.version} cannot build for {precision}; use precision:=fp16'
            )
        return [flag]

    def context(self, engine: Any, kept: bytes) -> tuple[Any, Any]:
        """
        Return an engine's execution context.

        TensorRT-RTX compiles kernels for the present GPU when it makes the context or first runs
        it. Its runtime cache keeps them.

        :param kept: runtime cache of an earlier start; TensorRT-RTX itself ignores one from
            another GPU, driver or version
        :return: context, and its runtime cache, None if this flavour has none; the context is
            None if TensorRT refuses
        """
        if not hasattr(self.module, 'IRuntimeCache'):
            return engine.create_execution_context(), None
        config = engine.create_runtime_config()
        cache = config.create_runtime_cache()
        if kept:
            cache.deserialize(kept)
        config.set_runtime_cache(cache)
        return engine.create_execution_context(config), cache

    def capability(self, target: str) -> Any:
        """
        Return TensorRT-RTX's name of a GPU generation.

        :param target: such as ``sm89``
        :raises BackendError: if it is unknown, or this flavour does not support it
        """
        kinds = getattr(self.module, 'ComputeCapability', None)
        if kinds is None:
            raise BackendError(
                f'target {shown(target)}: TensorRT {self.version} builds only for the '
                'GPU of this machine; leave the target out'
            )
        known = sorted(name.lower() for name in dir(kinds) if name.startswith('SM'))
        if target.lower() not in known:
            raise BackendError(
                f'TensorRT-RTX {self.version} does not build for {shown(target)}, only '
                f'for {", ".join(known)}; use TensorRT or backend:=compiled there'
            )
        return getattr(kinds, target.upper())


def load_tensorrt() -> TensorRt:
    """
    Return the installed TensorRT.

    :raises BackendError: if there is none
    """
    for name, flavour in MODULES.items():
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError):
            continue
        if hasattr(module, 'Builder'):
            return TensorRt(module, flavour, str(module.__version__))
    raise BackendError(f'backend = tensorrt: TensorRT is not installed; {install_hint()}')


def install_hint() -> str:
    """Return what to install for the GPU of this machine, or for any GPU if it has none."""
    if not has_gpu():
        return (
            f'{HINTS["jetson"]}; for a GPU of compute capability {", ".join(RTX_SERVES)} '
            f'{HINTS["rtx"]}; for any other {HINTS["full"]}'
        )
    major, minor = torch.cuda.get_device_capability()
    if platform.machine() == 'aarch64' and (major, minor) in JETSONS:
        return HINTS['jetson']
    return HINTS['rtx' if f'{major}.{minor}' in RTX_SERVES else 'full']


def has_gpu() -> bool:
    """Whether a Runtime may be created: without a GPU, its destructor crashes the process."""
    return torch.cuda.is_available()


def check_gpu(target: str, *, build_only: bool) -> None:
    """
    Raise where this machine cannot run engines, or cannot build those that another one runs.

    :param target: GPU generations to build for; empty for this machine's GPU
    :param build_only: engines are built here and run elsewhere
    :raises BackendError: without a GPU
    """
    if has_gpu() or (build_only and target):
        return
    if build_only:
        raise BackendError(
            'backend = tensorrt: torch sees no CUDA GPU to build for; name one by engine_target, '
            'such as engine_target:=sm89'
        )
    raise BackendError(
        'backend = tensorrt: torch sees no CUDA GPU to run engines on; use backend:=auto'
    )


def gpu_facts(trt: TensorRt, target: str) -> dict[str, str]:
    """
    Return what an engine depends on besides its network.

    :param target: GPU generations to build for, joined by commas; empty for this machine's GPU
    :raises BackendError: if this flavour does not serve the GPU
    """
    facts = {'flavour': trt.flavour, 'version': trt.version}
    if target:
        return {**facts, 'gpu': 'any', 'capability': ','.join(sorted(target.split(',')))}
    major, minor = torch.cuda.get_device_capability()
    if trt.flavour == 'tensorrt_rtx':
        trt.capability(f'sm{major}{minor}')  # refused here, not after minutes of exporting
        # Kernels are chosen when the engine is loaded, so it works on every GPU of a generation.
        return {**facts, 'gpu': 'any', 'capability': f'sm{major}{minor}'}
    return {**facts, 'gpu': torch.cuda.get_device_name(), 'capability': f'sm{major}{minor}'}
