# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The Gaussians of a scene, and how depth places them."""

from collections.abc import Sequence
from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
import torch

FIRST_OPACITY = 0.5
OVERLAP = 0.5
"""Standard deviation of a new splat over the distance of its neighbours on the surface."""


@dataclass(frozen=True, kw_only=True)
class Splats:
    """
    Gaussians with one color each, in the unbounded form that is optimised; float32.

    :param mean_m_N3: centres in the frame of the map
    :param log_size_N3: logarithm of the standard deviation along each own axis, metres
    :param turn_wxyz_N4: quaternion of the own axes, of any length
    :param opacity_logit_N: opacity before the sigmoid
    :param rgb_N3: color, about 0 to 1
    """

    mean_m_N3: torch.Tensor
    log_size_N3: torch.Tensor
    turn_wxyz_N4: torch.Tensor
    opacity_logit_N: torch.Tensor
    rgb_N3: torch.Tensor

    def __len__(self) -> int:
        return len(self.mean_m_N3)

    def tensors(self) -> tuple[torch.Tensor, ...]:
        """Return all of them, in the order of the fields."""
        return tuple(vars(self).values())


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """
    Pixels of one view that splats begin at.

    :param column_N: with :attr:`row_N` the pixels, in those of :attr:`camera`
    :param depth_m_N: along Z, positive and finite
    :param rgb_N3: 0 to 1
    :param spacing_px: distance of neighbouring seeds
    """

    column_N: np.ndarray
    row_N: np.ndarray
    depth_m_N: np.ndarray
    rgb_N3: np.ndarray
    spacing_px: float
    camera: Intrinsics
    map_from_camera: np.ndarray


def splats_at(views: Sequence[Seeds], device: torch.device | str = 'cpu') -> Splats:
    """
    Return one round splat for each seed, as wide as the seed's share of the image is at its depth.

    :param views: at least one seed in all
    """
    means, sizes = [], []
    for view in views:
        camera = view.camera
        rays_N3 = np.stack(
            [
                (view.column_N - camera.cx) / camera.fx,
                (view.row_N - camera.cy) / camera.fy,
                np.ones(len(view.column_N)),
            ],
            axis=1,
        )
        rotation, origin_m_3 = view.map_from_camera[:3, :3], view.map_from_camera[:3, 3]
        means.append((rays_N3 * view.depth_m_N[:, None]) @ rotation.T + origin_m_3)
        focal = np.sqrt(camera.fx * camera.fy)
        sizes.append(OVERLAP * view.spacing_px * view.depth_m_N / focal)

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=device)

    count = sum(map(len, sizes))
    return Splats(
        mean_m_N3=tensor(np.concatenate(means)),
        log_size_N3=tensor(np.log(np.concatenate(sizes)))[:, None].repeat(1, 3),
        turn_wxyz_N4=tensor(np.tile([1.0, 0.0, 0.0, 0.0], (count, 1))),
        opacity_logit_N=tensor(np.full(count, np.log(FIRST_OPACITY / (1.0 - FIRST_OPACITY)))),
        rgb_N3=tensor(np.concatenate([view.rgb_N3 for view in views])),
    )
