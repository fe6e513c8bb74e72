# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Can a frame be one CUDA graph? Told on any machine, by tensors that have no values."""

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
"""Takes tensors on the GPU and gives tensors there, without asking the host."""


def check_capturable(frame: Frame, *inputs: torch.Tensor) -> None:
    """
    Ask that a frame never waits for the device and has no shape that depends on values.

    The frame is run with tensors that have no values: whatever asks for one, or brings one from
    or to the host, raises here, on any machine, and not within a capture.

    :param inputs: examples; only their shapes, types and devices count
    :raises BackendError: with the operation that asks
    """
    from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

    fake = next(
        (value.fake_mode for value in inputs if isinstance(value, FakeTensor)),
        FakeTensorMode(allow_non_fake_inputs=True),
    )
    try:
        # Compiled networks are made of what they were compiled from.
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
        # A number on the host that goes into a kernel is no copy, it is read at the launch.
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
