# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Project Gaussians into an image by EWA splatting (Kerbl et al. 2023, equation 5)."""

from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.splats.gaussians import Splats
import numpy as np
import torch

NEAR_M = 0.01
BLUR_PX2 = 0.3
"""Added to both variances in the image, so that no splat is thinner than about a pixel."""
LEAST_ALPHA = 1.0 / 255.0
"""A splat is not drawn where it covers less than this."""
BORDER = 0.3
"""Slopes are linearised at most this share of the half field of view outside the image."""


@dataclass(frozen=True, kw_only=True)
class Projected:
    """
    The splats that may be seen in one image, nearest first.

    :param centre_px_N2: column and row
    :param conic_N3: inverse covariance in pixels, as (xx, xy, yy)
    :param reach_px_N2: half extent of the box outside of which alpha is below ``LEAST_ALPHA``
    """

    centre_px_N2: torch.Tensor
    conic_N3: torch.Tensor
    reach_px_N2: torch.Tensor
    opacity_N: torch.Tensor
    rgb_N3: torch.Tensor


def projected(splats: Splats, camera: Intrinsics, map_from_camera: np.ndarray) -> Projected:
    """Return the splats in front of a camera whose box overlaps the image."""
    camera_from_map = torch.from_numpy(inverse(map_from_camera)).to(splats.mean_m_N3)
    turn, shift_m_3 = camera_from_map[:3, :3], camera_from_map[:3, 3]
    mean_m_N3 = splats.mean_m_N3 @ turn.T + shift_m_3
    x_m, y_m, z_m = mean_m_N3.unbind(1)
    in_front = z_m > NEAR_M
    z_m = torch.where(in_front, z_m, torch.ones_like(z_m))
    slope_x, slope_y = x_m / z_m, y_m / z_m
    centre_px_N2 = torch.stack(
        [camera.fx * slope_x + camera.cx, camera.fy * slope_y + camera.cy], dim=1
    )
    half_N23 = _linearised(camera, slope_x, slope_y, z_m) @ turn @ _axes(splats)
    spread_px2_N22 = half_N23 @ half_N23.mT
    xx, yy = spread_px2_N22[:, 0, 0] + BLUR_PX2, spread_px2_N22[:, 1, 1] + BLUR_PX2
    xy = spread_px2_N22[:, 0, 1]
    area = xx * yy - xy * xy
    opacity_N = torch.sigmoid(splats.opacity_logit_N)
    with torch.no_grad():
        log_drawn = torch.log(opacity_N / LEAST_ALPHA)
        sigmas = torch.sqrt(2.0 * log_drawn.clamp(min=0.0))
        reach_px_N2 = sigmas[:, None] * torch.stack([xx, yy], dim=1).sqrt()
        first, last = centre_px_N2 - reach_px_N2, centre_px_N2 + reach_px_N2
        size = z_m.new_tensor([camera.width - 0.5, camera.height - 0.5])
        seen = in_front & (log_drawn > 0) & (area > 0)
        seen &= ((last > -0.5) & (first < size)).all(dim=1)
        (kept,) = torch.nonzero(seen, as_tuple=True)
        kept = kept[torch.argsort(z_m[kept], stable=True)]
    conic_N3 = torch.stack([yy, -xy, xx], dim=1)[kept] / area[kept, None]
    return Projected(
        centre_px_N2=centre_px_N2[kept],
        conic_N3=conic_N3,
        reach_px_N2=reach_px_N2[kept],
        opacity_N=opacity_N[kept],
        rgb_N3=splats.rgb_N3[kept],
    )


def _linearised(
    camera: Intrinsics, slope_x: torch.Tensor, slope_y: torch.Tensor, z_m: torch.Tensor
) -> torch.Tensor:
    """Return the Jacobians of the projection, N x 2 x 3, slopes kept near the image."""
    beside = BORDER * 0.5 * camera.width / camera.fx, BORDER * 0.5 * camera.height / camera.fy
    left, right = (camera.cx + 0.5) / camera.fx, (camera.width - 0.5 - camera.cx) / camera.fx
    above, below = (camera.cy + 0.5) / camera.fy, (camera.height - 0.5 - camera.cy) / camera.fy
    slope_x = slope_x.clamp(-left - beside[0], right + beside[0])
    slope_y = slope_y.clamp(-above - beside[1], below + beside[1])
    none = torch.zeros_like(z_m)
    across = torch.stack([camera.fx / z_m, none, -camera.fx * slope_x / z_m], dim=1)
    down = torch.stack([none, camera.fy / z_m, -camera.fy * slope_y / z_m], dim=1)
    return torch.stack([across, down], dim=1)


def _axes(splats: Splats) -> torch.Tensor:
    """Return the axes of each splat in the map, as long as its standard deviations, N x 3 x 3."""
    w, x, y, z = torch.nn.functional.normalize(splats.turn_wxyz_N4, dim=1).unbind(1)
    turned_N33 = torch.stack(
        [
            *(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
            *(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
            *(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
        ],
        dim=1,
    ).view(-1, 3, 3)
    return turned_N33 * splats.log_size_N3.exp()[:, None, :]
