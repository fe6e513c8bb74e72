# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the refiner checks of images, cameras and measured depth, before any work."""

from depth_refiner_ros.core.aspect import same_aspect
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.priors.sensor import check_measured
import torch

LEAST_EDGE_PX = 8
"""Below this, a network sees a few of its cells at most and what it returns means nothing."""


def check_inputs(
    rgb: torch.Tensor,
    intrinsics: Camera | None,
    sensor_m_B1HW: torch.Tensor | None,
    *,
    measured: bool,
) -> None:
    """
    Check shapes, types and values while they are still on the host.

    :param measured: also check that the sensor depth has a value
    :raises InputError: if an input is of a wrong shape or range
    """
    if rgb.ndim != 4 or rgb.shape[1] != 3 or 0 in rgb.shape:
        raise InputError(f'image has shape {tuple(rgb.shape)}, not (batch, 3, rows, columns)')
    if min(rgb.shape[-2:]) < LEAST_EDGE_PX:
        raise InputError(
            f'image is {rgb.shape[-1]}x{rgb.shape[-2]} pixels, too small to be refined; give '
            f'it at least {LEAST_EDGE_PX}x{LEAST_EDGE_PX}'
        )
    if intrinsics is not None and (intrinsics.height, intrinsics.width) != rgb.shape[-2:]:
        raise InputError(
            f'image is {rgb.shape[-1]}x{rgb.shape[-2]}, its intrinsics are for '
            f'{intrinsics.width}x{intrinsics.height}; resize them together'
        )
    if sensor_m_B1HW is not None and sensor_m_B1HW.ndim == 4:
        (height, width), (rows, columns) = rgb.shape[-2:], sensor_m_B1HW.shape[-2:]
        if not same_aspect(columns, rows, width, height):
            raise InputError(
                f'sensor depth is {columns}x{rows}, its image {width}x{height}; register the '
                'depth to the image'
            )
    if rgb.dtype != torch.uint8 and not (
        rgb.is_floating_point() and bool(((rgb >= 0.0) & (rgb <= 1.0)).all())
    ):
        raise InputError(
            f'image of {rgb.dtype} must be uint8 in 0..255 or float in 0..1; convert it'
        )
    if measured and sensor_m_B1HW is not None:
        check_measured(sensor_m_B1HW)
