# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth from what MoGe-2 says of an image: points up to a shift and a scale, mask and scale."""

import math

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.focal_shift import recovered
from depth_refiner_ros.priors.moge2_network import half_of, plane_of
import torch


def metric_depth(
    points_B3HW: torch.Tensor,
    usable_B1HW: torch.Tensor,
    scale_B: torch.Tensor,
    camera: Intrinsics | None,
) -> PriorDepth:
    """
    Return metres along the optical axis, NaN where nothing is usable.

    :param points_B3HW: at the size of the image, fp32
    :param usable_B1HW: bool
    :param scale_B: metres per unit of the points
    :param camera: None where the field of view that fits best is taken
    """
    height, width = points_B3HW.shape[-2:]
    focal_B2 = None if camera is None else _focal_of(camera, points_B3HW)
    plane_B2HW = plane_of(height, width, half_of(points_B3HW))
    _, shift_B = recovered(points_B3HW, plane_B2HW, usable_B1HW, focal_B2)
    unscaled = points_B3HW[:, 2:] + shift_B.view(-1, 1, 1, 1)
    depth_m = unscaled * scale_B.view(-1, 1, 1, 1)
    return PriorDepth(depth_B1HW=torch.where(usable_B1HW & (depth_m > 0.0), depth_m, torch.nan))


def _focal_of(camera: Intrinsics, like_BCHW: torch.Tensor) -> torch.Tensor:
    """Return ``focal_B2`` across and down, in units of half the image's diagonal."""
    half_px = math.hypot(camera.width, camera.height) / 2.0
    return torch.cat(
        [like_BCHW.new_full((len(like_BCHW), 1), px / half_px) for px in (camera.fx, camera.fy)],
        dim=1,
    )
