# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""DepthPro: canonical inverse depth, made metric by a known or estimated focal length."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.types import Prepare, PriorDepth
from depth_refiner_ros.priors import preprocess
from depth_refiner_ros.priors.base import attached, PriorOptions, WithNetwork
from depth_refiner_ros.priors.focal import depth_of_canonical_inverse, focal_of_fov, known_camera
from depth_refiner_ros.priors.model_folder import find_folder, read_config, size_mb
from depth_refiner_ros.priors.sizes import licence_of
from depth_refiner_ros.priors.transformers_model import InFloat32, load_model
import torch
from torch import nn

NAME = 'depth_pro'


class DepthProNetwork(nn.Module):
    """
    Maps pixels to canonical inverse depth; the last layers run in fp32.

    :param model: ``DepthProForDepthEstimation``
    :param with_fov: also estimate the field of view, which is a third of the work
    """

    def __init__(self, model: Any, *, with_fov: bool) -> None:
        super().__init__()
        self.model, self.with_fov = model, with_fov

    def forward(self, pixels_B3hw: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """
        Predict.

        :return: ``inverse_B1hw`` of a camera whose focal length is the image's width and, with
            it, the horizontal ``fov_deg_B``
        """
        self.model.use_fov_model = self.with_fov
        output = self.model(pixel_values=pixels_B3hw)
        inverse = output.predicted_depth[:, None]
        return (inverse, output.field_of_view.flatten()) if self.with_fov else (inverse,)


class DepthProPrior(WithNetwork):
    """
    DepthPro as a prior.

    :param model: ``DepthProForDepthEstimation``
    :param focal_rule: see :mod:`focal`
    :param description: line of :meth:`describe`
    """

    def __init__(self, model: Any, *, focal_rule: str = 'auto', description: str = '') -> None:
        config = model.config
        model.head.layers[-2] = InFloat32(model.head.layers[-2])
        self.network = DepthProNetwork(model, with_fov=False)
        self.fov_network: Callable[..., Any] | None = (
            DepthProNetwork(model, with_fov=True) if config.use_fov_model else None
        )
        self._focal_rule, self._description = focal_rule, description
        # Its patches tile the smallest of the scaled images exactly.
        side = round(config.patch_size / config.scaled_images_ratios[0])
        self._rule = preprocess.depth_pro(side)

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metres at the image's size; measured depth is not used.

        :raises InputError: if the camera is unknown and the weights cannot estimate it
        """
        camera = known_camera(self._focal_rule, intrinsics)
        height, width = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        pixels = self._rule.prepare(rgb_B3HW)
        if camera is not None:
            (inverse,) = self.network(pixels)
            focal_px = inverse.new_full((len(inverse),), camera.fx, dtype=torch.float32)
        elif self.fov_network is not None:
            inverse, fov_deg = self.fov_network(pixels)
            focal_px = focal_of_fov(fov_deg, width)
        else:
            raise InputError(
                'these depth_pro weights cannot estimate the field of view; publish camera_info, '
                'give the field of view (assume_fov_deg), or use weights with fov_model'
            )
        inverse = self._rule.restore(inverse.float(), (height, width))
        return PriorDepth(depth_B1HW=depth_of_canonical_inverse(inverse, focal_px, width))

    def attach_backend(self, prepare: Prepare, key: str) -> None:
        """Run both networks by a backend: with and without the field of view."""
        super().attach_backend(prepare, key)
        if self.fov_network is not None:
            self.fov_network = attached(self.fov_network, prepare, f'{key}_fov')

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def build(options: PriorOptions) -> DepthProPrior:
    """Build ``depth_pro``."""
    folder = find_folder(NAME, options.weights)
    read_config(folder, NAME, 'depth_pro')
    model = load_model(folder, 'DepthProForDepthEstimation').to(options.device)
    line = f'prior {NAME}: {licence_of(NAME, "large")}, {size_mb(folder):.1f} MB, {folder}'
    return DepthProPrior(model, focal_rule=options.focal_rule, description=line)
