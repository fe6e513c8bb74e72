# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Keep weights in bfloat16 and compute in float32, for CPUs that have no bfloat16 of their own."""

from typing import Any

import torch
from torch import nn


def compute_in_float32(network: nn.Module) -> None:
    """
    Give every layer float32 copies of its bfloat16 weights for the time of its forward pass.

    Weights, gradients and the moments of an optimiser keep half the size; a CPU that emulates
    bfloat16 takes minutes for a layer that it computes in a second in float32. Where activations
    are recomputed, the copies of one block at a time are kept for the backward pass.
    """
    for layer in network.modules():
        if next(layer.parameters(recurse=False), None) is not None:
            layer.register_forward_pre_hook(_widen)
            # Also after an error, so that the layer has its own weights again.
            layer.register_forward_hook(_restore, always_call=True)


def _widen(layer: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    own = dict(layer.named_parameters(recurse=False))
    layer.__dict__['_stored'] = own
    for name, weight in own.items():
        del layer._parameters[name]
        setattr(layer, name, weight.float())
    return tuple(_wide(value) for value in inputs)


def _restore(layer: nn.Module, _: tuple[Any, ...], outputs: Any) -> Any:
    for name, weight in layer.__dict__.pop('_stored').items():
        delattr(layer, name)
        layer._parameters[name] = weight
    return outputs


def _wide(value: Any) -> Any:
    narrow = isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16
    return value.float() if narrow else value
