# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run a network in half precision: weights are cast once, sums and norms stay in fp32."""

import copy
from typing import Any

import torch
from torch import nn

MATMULS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear)
NORMS = (nn.GroupNorm, nn.LayerNorm)
DTYPES = {'fp32': torch.float32, 'fp16': torch.float16, 'bf16': torch.bfloat16}


class Reduced(nn.Module):
    """
    Runs a network under autocast and returns fp32.

    Autocast would cast a weight that needs no gradient again in every call; :func:`placed` has
    done it once, with the same numbers.

    :param module: from :func:`placed`
    :param device_type: ``cpu`` or ``cuda``
    :param precision: fp16 or bf16
    """

    def __init__(self, module: nn.Module, device_type: str, precision: str) -> None:
        super().__init__()
        self.module = module
        self.device_type = device_type
        self.dtype = DTYPES[precision]

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Call the network in half precision."""
        with torch.autocast(self.device_type, self.dtype):
            output = self.module(*inputs)
        if isinstance(output, torch.Tensor):
            return output.float()
        return tuple(value.float() for value in output)


def reduced(module: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """
    Return the network on a device in a number format; the given module is not changed.

    :param precision: fp32, fp16 or bf16
    """
    there = placed(module, device, DTYPES[precision])
    return there if precision == 'fp32' else Reduced(there, device.type, precision)


def placed(module: nn.Module, device: torch.device, dtype: torch.dtype) -> nn.Module:
    """
    Copy a network with the weights of its convolutions and linear layers in another number format.

    Weights that need no change are shared, not copied. Parts that a network names in
    ``_keep_in_fp32_modules``, as diffusers and transformers do, stay as they are.
    """
    kept = _kept_exact(module)
    memo: dict[int, Any] = {}
    for part in module.modules():
        cast = isinstance(part, MATMULS) and part not in kept
        for weight in part.parameters(recurse=False):
            there = weight.detach().to(device, dtype if cast else weight.dtype)
            memo[id(weight)] = nn.Parameter(there, requires_grad=False)
        for value in part.buffers(recurse=False):
            memo[id(value)] = value.to(device)
    return copy.deepcopy(module, memo)


class ExactNorm(nn.Module):
    """
    A normalisation in fp32 between layers in half precision, as with autocast on GPUs.

    Compilers that take number formats from the network require one format for input and weight,
    and sums of squares overflow fp16.
    """

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Normalise, and return the number format of the input."""
        normalised: torch.Tensor = self.norm(features.float())
        return normalised.to(features.dtype)


def with_exact_norms(network: nn.Module) -> nn.Module:
    """Wrap every normalisation of a network in an :class:`ExactNorm`, in place."""
    for part in list(network.modules()):
        for name, child in part.named_children():
            if isinstance(child, NORMS) and not isinstance(part, ExactNorm):
                setattr(part, name, ExactNorm(child))
    return network


def _kept_exact(module: nn.Module) -> set[nn.Module]:
    kept: set[nn.Module] = set()
    for part in module.modules():
        names = getattr(part, '_keep_in_fp32_modules', None) or ()
        for name, inner in part.named_modules():
            if set(name.split('.')) & set(names):
                kept.add(inner)
    return kept
