# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert images and depth maps from numpy to batches of torch, and back."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.messages import shown
import numpy as np
import torch


def image_batch(rgb_HW3: np.ndarray) -> torch.Tensor:
    """
    Return an image as ``rgb_B3HW`` with one image, of the same type.

    :raises InputError: if it is not an array of rows, columns and three colors
    """
    if not isinstance(rgb_HW3, np.ndarray) or rgb_HW3.ndim != 3 or rgb_HW3.shape[2] != 3:
        what = getattr(rgb_HW3, 'shape', type(rgb_HW3).__name__)
        raise InputError(
            f'an image must be a numpy array of shape (rows, columns, 3), not {shown(what)}; read '
            'files first, and repeat a grey image three times'
        )
    return _tensor('image', rgb_HW3).permute(2, 0, 1)[None]


def depth_batch(depth_m_HW: np.ndarray) -> torch.Tensor:
    """
    Return a depth map as ``depth_m_B1HW`` with one map, of the same type; NaN where it is masked.

    :raises InputError: if it is not an array of rows and columns
    """
    if not isinstance(depth_m_HW, np.ndarray) or depth_m_HW.ndim != 2:
        what = getattr(depth_m_HW, 'shape', type(depth_m_HW).__name__)
        raise InputError(
            f'a depth map must be a numpy array of shape (rows, columns), not {shown(what)}'
        )
    if isinstance(depth_m_HW, np.ma.MaskedArray) and depth_m_HW.dtype.kind == 'f':
        depth_m_HW = depth_m_HW.filled(np.nan)
    return _tensor('depth map', depth_m_HW)[None, None]


def _tensor(name: str, values: np.ndarray) -> torch.Tensor:
    """
    Return an array as torch takes it: in the byte order of the machine, and not read-only.

    :raises InputError: if its values are not numbers that torch has
    """
    if values.dtype.kind not in 'biuf' or values.dtype.itemsize > 8:
        raise InputError(f'{name} of {values.dtype} cannot be used; convert it to float32')
    native = values.astype(values.dtype.newbyteorder('='), copy=False)
    return torch.from_numpy(np.require(native, requirements=('C', 'W')))


def first_map(map_B1HW: torch.Tensor) -> np.ndarray:
    """Return the first map of a batch as float32 ``map_HW`` on the CPU."""
    return np.asarray(map_B1HW[0, 0].detach().float().cpu())


def unit_image(rgb_B3HW: torch.Tensor) -> torch.Tensor:
    """
    Return images as float32 in 0..1, from uint8 in 0..255 or float in 0..1.

    Their channels become planes, which resampling and codec read faster than pixels.
    """
    rgb = rgb_B3HW.to(torch.float32, memory_format=torch.contiguous_format)
    return rgb.div_(255.0) if rgb_B3HW.dtype == torch.uint8 else rgb
