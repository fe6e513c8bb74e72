# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Check on any machine, with tensors without values, that a frame can be one CUDA graph."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.backends.base import Tensors
from depth_refiner_ros.core.errors import BackendError
import torch
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensor,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode

Frame = Callable[..., Tensors]
"""Takes and returns tensors on the GPU, without synchronising with the host."""


def check_capturable(frame: Frame, *inputs: torch.Tensor) -> None:
    """
    Raise unless a frame never waits for the device and has no shape that depends on values.

    The frame is run with tensors without values. Whatever reads a value, or copies one from or
    to the host, raises here, on any machine, and not during a capture.

    :param inputs: examples; only their shapes, types and devices count
    :raises BackendError: if it does, naming the operation
    """
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

    fake = next(
        (value.fake_mode for value in inputs if isinstance(value, FakeTensor)),
        FakeTensorMode(allow_non_fake_inputs=True),
    )
    try:
        # A compiled network is replaced by the module that it was compiled from.
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            fake,
            _NoTransfer(),
            torch.compiler.set_stance('force_eager'),
        ):
            frame(
                *(
                    value if isinstance(value, FakeTensor) else fake.from_tensor(value.clone())
                    for value in inputs
                )
            )
    except (
        DataDependentOutputException,
        DynamicOutputShapeException,
        GuardOnDataDependentSymNode,
    ) as error:
        raise BackendError(
            f'the frame cannot be one CUDA graph: it needs the value of a tensor '
            f'on the host ({str(error).splitlines()[0]})'
        ) from error


class _NoTransfer(TorchDispatchMode):
    """Refuses copies between host and device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        devices = {value.device.type for value in args if isinstance(value, torch.Tensor)}
        # A number on the host passed to a kernel is not copied; it is read at the launch.
        mixed = len(devices) > 1 and func is torch.ops.aten.copy_.default
        if (
            isinstance(result, torch.Tensor)
            and devices
            and (mixed or result.device.type not in devices)
        ):
            raise BackendError(
                'the frame cannot be one CUDA graph: it copies a tensor of shape '
                f'{tuple(result.shape)} between host and device'
            )
        return result
