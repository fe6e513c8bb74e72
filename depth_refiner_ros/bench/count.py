# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Operations and bytes of a network, counted while it runs.

Convolutions, matrix products and attention are counted, at two operations for each multiply-add.
Activations, normalisations and resampling are not, because a fused engine hides them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count


@dataclass(frozen=True, kw_only=True)
class Operations:
    """
    Cost of a network, independent of the device.

    :param flops: floating-point operations, two for each multiply-add
    :param weight_bytes: size of the parameters
    :param operand_bytes: bytes that all counted operations read and write, including weights:
        the traffic of an engine that fuses everything else into them
    """

    flops: float
    weight_bytes: float
    operand_bytes: float

    def times(self, calls: float) -> 'Operations':
        """Return the cost of several calls, which share the weights but each read them."""
        return Operations(
            flops=self.flops * calls,
            weight_bytes=self.weight_bytes,
            operand_bytes=self.operand_bytes * calls,
        )

    @staticmethod
    def total(calls: Sequence['Operations']) -> 'Operations':
        """Return the cost of calls of one network, of any shapes."""
        return Operations(
            flops=sum(call.flops for call in calls),
            weight_bytes=max(call.weight_bytes for call in calls),
            operand_bytes=sum(call.operand_bytes for call in calls),
        )


def count(call: Callable[[], Any], parameters: Iterable[torch.Tensor] = ()) -> Operations:
    """
    Count the operations of a call; on meta or fake tensors it takes no memory and hardly any time.

    :param call: runs the network
    :param parameters: weights of the network
    """
    counter = _Counter()
    with torch.no_grad(), _Attention(counter), counter:
        call()
    return Operations(
        flops=counter.flops,
        operand_bytes=counter.bytes,
        weight_bytes=float(sum(weight.nbytes for weight in parameters)),
    )


class _Counter(TorchDispatchMode):
    """Adds up convolutions and matrix products as they are dispatched."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0.0
        self.bytes = 0.0
        self.paused = False

    def __torch_dispatch__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        flops_of = flop_registry.get(function._overloadpacket)
        if flops_of is None and function.namespace == 'aten':
            with self:  # in inference mode linear and conv2d are not decomposed
                result = function.decompose(*args, **kwargs)
            if result is not NotImplemented:
                return result
        result = function(*args, **kwargs)
        if flops_of is not None and not self.paused:
            self.add(flops_of(*args, **kwargs, out_val=result), *args, result)
        return result

    def add(self, flops: float, *operands: Any) -> None:
        """Add one operation and the bytes of its tensors."""
        self.flops += flops
        self.bytes += sum(value.nbytes for value in operands if isinstance(value, torch.Tensor))


class _Attention(TorchFunctionMode):
    """Count attention as one fused operation, however the device splits it."""

    def __init__(self, counter: _Counter) -> None:
        super().__init__()
        self._counter = counter

    def __torch_function__(
        self,
        function: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if function is not functional.scaled_dot_product_attention:
            return function(*args, **kwargs)
        query, key, value = (
            args[place] if place < len(args) else kwargs[name]
            for place, name in enumerate(('query', 'key', 'value'))
        )
        self._counter.paused = True
        result = function(*args, **kwargs)
        self._counter.paused = False
        self._counter.add(
            sdpa_flop_count(query.shape, key.shape, value.shape), query, key, value, result
        )
        return result
