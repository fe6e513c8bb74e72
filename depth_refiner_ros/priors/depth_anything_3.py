# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Depth Anything 3 for one image: metric depth, or depth up to scale, by a network written here.

Unlike version 2, the relative models predict depth, not disparity. The models of single images
also find the sky, and give it the depth that 99 % of the rest does not exceed; the result is
unknown there.
"""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import camera_missing, PriorOptions, WithNetwork
from depth_refiner_ros.priors.depth_anything_3_network import DepthAnything3Network
from depth_refiner_ros.priors.depth_anything_3_weights import (
    METRIC_PRIOR,
    read_network,
    RELATIVE_PRIOR,
)
from depth_refiner_ros.priors.focal import factor_at_network
from depth_refiner_ros.priors.model_folder import find_folder, size_mb
from depth_refiner_ros.priors.sizes import licence_of
from depth_refiner_ros.priors.stepped_rule import depth_anything_3, SteppedRule
import torch

SKY_FROM = 0.3
FARTHEST_SHARE = 0.99
SIZE_OF = {
    'da3metric-large': 'large',
    'da3-small': 'small',
    'da3-base': 'base',
    'da3mono-large': 'mono-large',
}
"""Architecture to the short name of :data:`.sizes.SIZES`."""
FEWEST_PIXELS = 10
"""Of sky and of the rest, above which the sky gets a depth."""


class DepthAnything3Prior(WithNetwork):
    """
    A Depth Anything 3 network as a prior.

    :param network: maps pixels to depth and a second map
    :param metric: whether the focal length turns its depth into metres
    :param rule: of the network's images
    :param description: line of :meth:`describe`
    """

    def __init__(
        self,
        network: DepthAnything3Network,
        *,
        metric: bool,
        rule: SteppedRule | None = None,
        description: str = '',
    ) -> None:
        self.network = network
        self._metric, self._finds_sky = metric, network.finds_sky
        self._rule = rule or depth_anything_3()
        self._description = description

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict at the image's size; measured depth is not used.

        :raises InputError: if the scale is that of the camera, which is unknown
        """
        if self._metric and intrinsics is None:
            raise camera_missing(METRIC_PRIOR)
        size = (rgb_B3HW.shape[-2], rgb_B3HW.shape[-1])
        pixels = self._rule.prepare(rgb_B3HW)
        depth, second = (value.float() for value in self.network(pixels))
        filled = None
        if self._finds_sky:
            depth, sky = with_sky(depth, second)
            filled = self._rule.restore(sky.float(), size) > 0.5
        depth = self._rule.restore(depth, size)
        if self._metric and intrinsics is not None:
            depth = depth * factor_at_network(intrinsics, *pixels.shape[-2:])
        return PriorDepth(
            depth_B1HW=depth, kind='metric' if self._metric else 'relative', filled_B1HW=filled
        )

    def describe(self) -> list[str]:
        """Return the line of its weights."""
        return [self._description]


def with_sky(
    depth_B1hw: torch.Tensor, sky_B1hw: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Return depth with that of the sky replaced, and where the sky is, bool.

    As the authors' code does image by image, though there the quantile is of a random sample.

    :param sky_B1hw: the network's map, sky from :data:`SKY_FROM` on
    """
    is_sky = sky_B1hw >= SKY_FROM
    rest = torch.where(is_sky, torch.nan, depth_B1hw).flatten(1)
    far_B1 = torch.nanquantile(rest, FARTHEST_SHARE, dim=1, keepdim=True)
    sky_pixels_B = is_sky.flatten(1).sum(dim=1)
    usable_B = (sky_pixels_B > FEWEST_PIXELS) & (rest.shape[1] - sky_pixels_B > FEWEST_PIXELS)
    replaced = is_sky & usable_B.view(-1, 1, 1, 1)
    return torch.where(replaced, far_B1.view(-1, 1, 1, 1), depth_B1hw), is_sky


def build_metric(options: PriorOptions) -> DepthAnything3Prior:
    """
    Build ``depth_anything_3_metric``.

    :raises SettingsError: with ``prior_focal_rule: none``
    :raises WeightsError: if the folder holds another model
    """
    if options.focal_rule == 'none':
        raise SettingsError(
            f'prior_focal_rule = none, but prior {METRIC_PRIOR} has no scale without the '
            'focal length; use auto'
        )
    return _build(METRIC_PRIOR, options)


def build_relative(options: PriorOptions) -> DepthAnything3Prior:
    """
    Build ``depth_anything_3``.

    :raises WeightsError: if the folder holds another model
    """
    return _build(RELATIVE_PRIOR, options)


def _build(prior: str, options: PriorOptions) -> DepthAnything3Prior:
    folder = find_folder(prior, options.weights)
    network, name = read_network(folder, prior)
    size = SIZE_OF[name]
    return DepthAnything3Prior(
        network.to(options.device),
        metric=prior == METRIC_PRIOR,
        rule=depth_anything_3(options.short_side),
        description=f'prior {prior} {size}: {licence_of(prior, size)}, {size_mb(folder):.1f} MB, '
        f'{folder}',
    )
