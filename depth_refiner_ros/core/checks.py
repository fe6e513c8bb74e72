# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checks of tensors in public functions; each error states what was expected and given."""

import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.messages import nearest, shown
import torch


def check_map(name: str, map_B1HW: torch.Tensor) -> None:
    """
    Raise unless a tensor is a batch of one-channel floating point maps.

    :param name: what the caller calls it, for the message
    :param map_B1HW: the tensor to check
    :raises InputError: if rank, channels, size or dtype differ
    """
    _check_tensor(name, map_B1HW)
    if map_B1HW.ndim != 4 or map_B1HW.shape[1] != 1:
        raise InputError(
            f'{name}: expected shape (batch, 1, rows, columns), got '
            f'{_shape(map_B1HW)}; use tensor[None, None] for a single map'
        )
    _check_not_empty(name, map_B1HW)
    _check_floating(name, map_B1HW)


def check_plane(name: str, map_HW: torch.Tensor) -> None:
    """
    Raise unless a tensor is one floating point map of rows x columns.

    :param name: what the caller calls it, for the message
    :param map_HW: the tensor to check
    :raises InputError: if rank, size or dtype differ
    """
    _check_tensor(name, map_HW)
    if map_HW.ndim != 2:
        raise InputError(
            f'{name}: expected shape (rows, columns), got {_shape(map_HW)}; '
            'use tensor[0, 0] for the first map of a batch'
        )
    _check_not_empty(name, map_HW)
    _check_floating(name, map_HW)


def check_same_shape(name: str, tensor: torch.Tensor, like_name: str, like: torch.Tensor) -> None:
    """
    Raise unless two tensors have the same shape and device.

    :raises InputError: if they differ, naming both
    """
    _check_tensor(name, tensor)
    if tensor.shape != like.shape:
        raise InputError(
            f'{name}: shape {_shape(tensor)} differs from {like_name} '
            f'{_shape(like)}; resize one to the other first'
        )
    if tensor.device != like.device:
        raise InputError(
            f'{name} is on {tensor.device}, {like_name} on {like.device}; '
            f'move one with .to({shown(str(like.device))})'
        )


def check_camera(name: str, map_HW: torch.Tensor, camera: Camera) -> None:
    """
    Raise unless the last two axes of a map have the size of its camera model.

    :raises InputError: if the sizes differ
    """
    height, width = map_HW.shape[-2:]
    if (width, height) != (camera.width, camera.height):
        raise InputError(
            f'{name}: {width}x{height} pixels but the intrinsics are for '
            f'{camera.width}x{camera.height}; use intrinsics.resized()'
        )


def check_color(name: str, rgb_HW3: torch.Tensor, height: int, width: int) -> None:
    """
    Raise unless a tensor is a uint8 color image of a given size.

    :raises InputError: if shape or dtype differ
    """
    _check_tensor(name, rgb_HW3)
    if tuple(rgb_HW3.shape) != (height, width, 3):
        raise InputError(f'{name}: expected shape ({height}, {width}, 3), got {_shape(rgb_HW3)}')
    if rgb_HW3.dtype != torch.uint8:
        raise InputError(f'{name}: expected uint8 colors in 0..255, got {rgb_HW3.dtype}')


def finite(values: torch.Tensor) -> torch.Tensor:
    """
    Return where values are numbers, not NaN or inf, at half the cost of ``torch.isfinite``.

    On the CPU a sum tells of most maps, at a fifth of that, that all of them are.
    """
    if surely_finite(values):
        return torch.ones_like(values, dtype=torch.bool)
    return values.abs() < torch.inf


def surely_finite(values: torch.Tensor) -> bool:
    """
    Whether values on the CPU are all numbers, by their sum.

    On other devices the result is False, as of :func:`surely_everywhere`; also where the sum of
    huge numbers overflows.
    """
    return _readable(values) and math.isfinite(float(values.sum()))


def surely_everywhere(mask: torch.Tensor) -> bool:
    """
    Whether a mask on the CPU is true everywhere, so that work can be skipped.

    On other devices the result is False: reading the mask would wait for the device and could not
    be captured in a CUDA graph.
    """
    return _readable(mask) and bool(mask.numpy().all())  # a tenth of torch's all()


def masked(values: torch.Tensor, mask: torch.Tensor, other: torch.Tensor | float) -> torch.Tensor:
    """
    Return values where the mask is true, and the other elsewhere.

    On the CPU these are the values themselves if the mask is true everywhere, which costs a
    tenth of ``torch.where``.
    """
    return values if surely_everywhere(mask) else torch.where(mask, values, other)


def surely_somewhere(mask: torch.Tensor) -> bool:
    """Whether a mask on the CPU is true anywhere; False on other devices, for the same reasons."""
    return _readable(mask) and bool(mask.numpy().any())


def _readable(values: torch.Tensor) -> bool:
    """Whether values can be looked at for nothing: on the CPU; fake tensors have none."""
    return values.device.type == 'cpu' and type(values) is torch.Tensor


def check_at_least(name: str, value: float, lowest: float) -> None:
    """
    Raise if a number is below a limit.

    :raises InputError: if it is below the limit, or NaN
    """
    if not value >= lowest:
        raise InputError(f'{name} = {value} must be at least {lowest}')


def check_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    """
    Raise unless a word is known.

    :raises InputError: if it is unknown
    """
    if value not in known:
        raise InputError(
            f'{name} = {shown(value)} is unknown; use one of {", ".join(known)}'
            f'{nearest(value, known)}'
        )


def _check_tensor(name: str, tensor: torch.Tensor) -> None:
    if not isinstance(tensor, torch.Tensor):
        raise InputError(
            f'{name}: expected a torch tensor, got {type(tensor).__name__}; '
            'use torch.from_numpy for an array'
        )


def _check_not_empty(name: str, tensor: torch.Tensor) -> None:
    if tensor.numel() == 0:
        raise InputError(f'{name}: shape {_shape(tensor)} has no pixels')


def _check_floating(name: str, tensor: torch.Tensor) -> None:
    if not tensor.is_floating_point():
        raise InputError(
            f'{name}: expected floating point, got {tensor.dtype}; '
            'convert to metres in float32 first'
        )


def _shape(tensor: torch.Tensor) -> str:
    return str(tuple(tensor.shape))
