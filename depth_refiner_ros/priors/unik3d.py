# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
UniK3D: metric depth from viewing rays, which are those of the camera where it is known.

The camera may be a pinhole, a distorted or fisheye lens or a panorama. Where it is unknown, the
network estimates the rays, and depth is that along the optical axis of its own camera.
"""

from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import PriorOptions, WithNetwork
from depth_refiner_ros.priors.dpt import Size, size_of
from depth_refiner_ros.priors.focal import known_camera
from depth_refiner_ros.priors.model_folder import find_folder, size_mb
from depth_refiner_ros.priors.sizes import licence_of
from depth_refiner_ros.priors.unik3d_camera import lens_rays, pinhole_rays, seen_by
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

    takes_lenses = True

    def __init__(
        self, network: nn.Module, *, focal_rule: str = 'auto', description: str = ''
    ) -> None:
        self.network = network
        self._rule = preprocess.unik3d()
        self._focal_rule, self._description = focal_rule, description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres.

        :param intrinsics: of a lens, the metres are those along its rays
        :return: NaN where a ray of its own points backwards, and where a lens shows nothing
        """
        size, pixels = size_of(rgb_B3HW), self._rule.prepare(rgb_B3HW)
        camera = known_camera(self._focal_rule, intrinsics)
        rays = [] if camera is None else [self._rays(camera, size, pixels)]
        metres_B2hw = self.network(pixels, *rays).float()
        if isinstance(intrinsics, Lens):
            distance_m = self._rule.restore(metres_B2hw[:, :1], size)
            known = seen_by(intrinsics, distance_m.device)
            return PriorDepth(depth_B1HW=torch.where(known, distance_m, torch.nan), kind='metric')
        depth_m = self._rule.restore(metres_B2hw[:, 1:], size)
        return PriorDepth(depth_B1HW=torch.where(depth_m > 0.0, depth_m, torch.nan), kind='metric')

    def _rays(self, camera: Camera, size: Size, pixels_B3hw: torch.Tensor) -> torch.Tensor:
        """Return the viewing rays of the network's input, ``rays_B3hw``."""
        borders = self._rule.before(size)
        scale = preprocess.unik3d_scale(borders.around(size))
        place = size_of(pixels_B3hw), scale, borders.top, borders.left
        rays_13hw = (
            lens_rays(camera, *place, pixels_B3hw.device)
            if isinstance(camera, Lens)
            else pinhole_rays(camera, *place, pixels_B3hw)
        )
        return rays_13hw.expand(len(pixels_B3hw), -1, -1, -1)

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
