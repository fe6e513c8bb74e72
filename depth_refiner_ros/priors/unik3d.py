# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
UniK3D: metric depth from viewing rays, which are those of the camera where it is known.

Here the camera is a pinhole, as all images are rectified to one; the network itself takes rays of
any lens. Where the camera is unknown, it estimates the rays.
"""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.dpt import size_of
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.model_folder import find_folder, size_mb
from depth_refiner_ros.priors.sizes import licence_of
from depth_refiner_ros.priors.unik3d_camera import pinhole_rays
from depth_refiner_ros.priors.unik3d_weights import NAME, read_folder
import torch
from torch import nn


class UniK3DPrior(WithNetwork):
    """
    A UniK3D network as a prior.

    :param network: pixels, and rays where they are known, to depth
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(
        self, network: nn.Module, *, focal_rule: str = 'auto', description: str = ''
    ) -> None:
        self.network = network
        self._rule = preprocess.unik3d()
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """Predict metres, NaN where a ray of its own points backwards."""
        size, pixels = size_of(rgb_B3HW), self._rule.prepare(rgb_B3HW)
        camera, rays = known_camera(self._focal_rule, intrinsics), []
        if camera is not None:
            borders = self._rule.before(size)
            scale = preprocess.unik3d_scale(borders.around(size))
            seen = pinhole_rays(camera, size_of(pixels), scale, borders.top, borders.left, pixels)
            rays = [seen.expand(len(pixels), -1, -1, -1)]
        depth_m = self._rule.restore(self.network(pixels, *rays).float(), size)
        return PriorDepth(depth_B1HW=torch.where(depth_m > 0.0, depth_m, torch.nan), kind='metric')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build(options: PriorOptions) -> UniK3DPrior:
    """
    Build ``unik3d``.

    :raises WeightsError: if the folder holds another model
    """
    folder = find_folder(NAME, options.weights)
    network, size = read_folder(folder)
    return UniK3DPrior(
        network.to(options.device),
        focal_rule=options.focal_rule,
        description=(
            f'prior {NAME} {size}: {licence_of(NAME, size)}, {size_mb(folder):.1f} MB, {folder}'
        ),
    )
