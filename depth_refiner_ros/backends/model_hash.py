# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Identify a network by a hash of its weights, its structure and its code."""

from collections.abc import Iterator
import hashlib
from types import CodeType, FunctionType

import torch
from torch import nn

PLAIN = (bool, int, float, str, tuple, type(None))


def model_hash(module: nn.Module) -> str:
    """
    Return a hash that is the same in every process, and differs between networks.

    It covers names, types and bytes of weights and buffers, the plain attributes of each part
    (factors, strides, heads) and the code of its ``forward`` and of the functions of the same
    package that this calls.
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
        for code in _codes(kind.forward, set()):
            digest.update(code.co_code + repr((code.co_names, _plain(code))).encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        digest.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _codes(function: object, seen: set[CodeType]) -> Iterator[CodeType]:
    """Yield the code of a function and of those of its package that it names."""
    if not isinstance(function, FunctionType) or function.__code__ in seen:
        return
    package = function.__module__.partition('.')[0]
    for code in _with_inner(function.__code__):
        seen.add(code)
        yield code
        for name in code.co_names:
            named = function.__globals__.get(name)
            module = getattr(named, '__module__', None) or ''
            if module.partition('.')[0] == package:
                yield from _codes(named, seen)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    """Yield a code and those of the functions and generator expressions inside it."""
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _with_inner(value)


def _plain(code: CodeType) -> list[object]:
    """Return the numbers and texts in a code; others are written with their addresses."""
    return [value for value in code.co_consts if isinstance(value, (bool, int, float, str))]
