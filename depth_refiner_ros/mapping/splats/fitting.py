# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fit splats to images with known poses; their number stays what the depth gave."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.splats.gaussians import Splats
from depth_refiner_ros.mapping.splats.rendering import rendered
from depth_refiner_ros.mapping.splats.similarity import photometric_loss
import numpy as np
import torch

RATES = (1.6e-4, 5e-3, 1e-3, 5e-2, 2.5e-3)
"""Rates of Adam for the fields of Splats as 3DGS has them; the first per extent of the scene."""
LAST_RATE = 0.01
"""What is left of the rate of the centres at the end."""


@dataclass(frozen=True, kw_only=True)
class Photo:
    """An image with the camera and the pose that it was taken with; ``rgb_HW3`` in 0..1."""

    name: str
    rgb_HW3: torch.Tensor
    camera: Intrinsics
    map_from_camera: np.ndarray


def fitted(
    splats: Splats,
    photos: Sequence[Photo],
    *,
    steps: int,
    seed: int,
    extent_m: float,
    advanced: Callable[[], object] = lambda: None,
) -> Splats:
    """
    Return the splats after steps of Adam, each on one photo; all photos in turn, shuffled.

    :param photos: at least one, on the device of the splats
    :param extent_m: size of the scene, which steps of the centres are measured by
    :param advanced: called after every step
    """
    free = [tensor.clone().requires_grad_() for tensor in splats.tensors()]
    rates = [RATES[0] * extent_m, *RATES[1:]]
    adam = torch.optim.Adam(
        [{'params': [tensor], 'lr': rate} for tensor, rate in zip(free, rates)], eps=1e-15
    )
    order = np.random.default_rng(seed)
    queue: list[int] = []
    for step in range(steps):
        adam.param_groups[0]['lr'] = rates[0] * LAST_RATE ** (step / steps)
        queue = queue or order.permutation(len(photos)).tolist()
        photo = photos[queue.pop()]
        seen_HW3 = rendered(_named(free), photo.camera, photo.map_from_camera)
        adam.zero_grad(set_to_none=True)
        photometric_loss(seen_HW3, photo.rgb_HW3).backward()
        adam.step()
        advanced()
    return _named([tensor.detach() for tensor in free])


def _named(tensors: Sequence[torch.Tensor]) -> Splats:
    mean_m_N3, log_size_N3, turn_wxyz_N4, opacity_logit_N, rgb_N3 = tensors
    return Splats(
        mean_m_N3=mean_m_N3,
        log_size_N3=log_size_N3,
        turn_wxyz_N4=turn_wxyz_N4,
        opacity_logit_N=opacity_logit_N,
        rgb_N3=rgb_N3,
    )
