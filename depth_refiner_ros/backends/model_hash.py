# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Identify a network by a hash of its weights, its structure and its code."""

import hashlib

import torch
from torch import nn

PLAIN = (bool, int, float, str, tuple, type(None))


def model_hash(module: nn.Module) -> str:
    """
    Return a hash that is the same in every process, and differs between networks.

    It covers names, types and bytes of weights and buffers, the plain attributes of each part
    (factors, strides, heads) and the code of its ``forward``.
    """
    digest = hashlib.sha256()
    for name, part in module.named_modules():
        kind = type(part)
        plain = {
            key: value
            for key, value in vars(part).items()
            if isinstance(value, PLAIN) and key != 'training'
        }
        digest.update(
            f'{name} {kind.__module__}.{kind.__qualname__} {sorted(plain.items())}'.encode()
        )
        code = getattr(kind.forward, '__code__', None)
        if code is not None:
            digest.update(code.co_code + repr(code.co_names).encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()
