"""The one place that knows which TensorRT is installed and how its versions differ."""

from dataclasses import dataclass
import importlib
from typing import Any

from depth_refiner_ros.core.errors import BackendError
import torch

MODULES = {
    'tensorrt': 'tensorrt',
    'tensorrt_rtx': 'tensorrt_rtx',
    'tensorrt_rtx_bindings': 'tensorrt_rtx',
}
"""Python module to flavour, in the order of preference."""


@dataclass(frozen=True)
class TensorRt:
    """
    An installed TensorRT.

    :param module: its Python module
    :param flavour: ``tensorrt`` (Jetson, data centre) or ``tensorrt_rtx`` (desktop GPUs)
    :param version: as the module tells it
    """

    module: Any
    flavour: str
    version: str

    @property
    def strongly_typed(self) -> bool:
        """Return whether number formats come from the network; TensorRT 8 has flags for them."""
        return hasattr(self.module.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')

    def network_flags(self) -> int:
        """Return the flags of a new network."""
        kinds = self.module.NetworkDefinitionCreationFlag
        names = ['STRONGLY_TYPED'] if self.strongly_typed else ['EXPLICIT_BATCH']
        return sum(1 << int(getattr(kinds, name)) for name in names)

    def precision_flags(self, precision: str) -> list[Any]:
        """
        Return the builder flags for a number format; none where the network is strongly typed.

        :raises BackendError: where this version has none for it
        """
        if self.strongly_typed or precision == 'fp32':
            return []
        flag = getattr(self.module.BuilderFlag, precision.upper(), None)
        if flag is None:
            raise BackendError(
                f'TensorRT {self.version} cannot build for {precision}; use precision:=fp16'
            )
        return [flag]

    def capability(self, target: str) -> Any:
        """
        Return TensorRT-RTX's word for a GPU generation.

        :param target: such as ``sm89``
        :raises BackendError: where it is none, or not of this flavour
        """
        kinds = getattr(self.module, 'ComputeCapability', None)
        if kinds is None:
            raise BackendError(
                f'target {target!r}: TensorRT {self.version} builds for the GPU '
                'of this machine alone; leave the target out'
            )
        known = sorted(name.lower() for name in dir(kinds) if name.startswith('SM'))
        if target.lower() not in known:
            raise BackendError(
                f'TensorRT-RTX {self.version} does not build for {target!r}, only '
                f'for {", ".join(known)}; use TensorRT or backend:=compiled there'
            )
        return getattr(kinds, target.upper())


def load_tensorrt() -> TensorRt:
    """
    Find an installed TensorRT.

    :raises BackendError: where there is none
    """
    for name, flavour in MODULES.items():
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError):
            continue
        if hasattr(module, 'Builder'):
            return TensorRt(module, flavour, str(module.__version__))
    raise BackendError(
        'backend = tensorrt: TensorRT is not installed; on a Jetson type: sudo apt '
        'install python3-libnvinfer, on a desktop GPU: pip install '
        'tensorrt_rtx_cu13_libs tensorrt_rtx_cu13_bindings'
    )


def has_gpu() -> bool:
    """Return whether a Runtime may be made: without a GPU, its destructor crashes the process."""
    return torch.cuda.is_available()


def gpu_facts(trt: TensorRt, target: str) -> dict[str, str]:
    """
    Return what an engine depends on beside its network.

    :param target: GPU generations to build for, joined by commas; empty for this machine's GPU
    :raises BackendError: where there is neither a GPU nor a target
    """
    facts = {'flavour': trt.flavour, 'version': trt.version}
    if target:
        return {**facts, 'gpu': 'any', 'capability': ','.join(sorted(target.split(',')))}
    if not has_gpu():
        raise BackendError(
            'backend = tensorrt: torch sees no CUDA GPU to build for; name a '
            'target such as sm89 (TensorRT-RTX), or use backend:=onnx'
        )
    major, minor = torch.cuda.get_device_capability()
    if trt.flavour == 'tensorrt_rtx':
        # Kernels are chosen when the engine is loaded, so it serves every GPU of a generation.
        return {**facts, 'gpu': 'any', 'capability': f'sm{major}{minor}'}
    return {**facts, 'gpu': torch.cuda.get_device_name(), 'capability': f'sm{major}{minor}'}
