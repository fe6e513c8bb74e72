# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The prior of this package: a small network from one image to metric depth."""

from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.confidence import confidence_of_spread
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line
from depth_refiner_ros.core.resize import resized
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.models.bundle import Bundle, write_bundle
from depth_refiner_ros.models.model_config import config_from
from depth_refiner_ros.priors.base import camera_missing, WithNetwork
from depth_refiner_ros.priors.network import (
    LITE0,
    MetricNetwork,
    MetricNetworkConfig,
    network_size,
)
from depth_refiner_ros.priors.scaled_conv import folded
import torch
from torch.nn import functional

WEIGHTS = 'network/model.safetensors'
CONFIG = 'network/config.json'
LITE0_LICENCE = 'LICENSE.efficientnet-lite0'
"""Of the weights that an encoder of this kind began with, in each bundle that has one."""


def to_log_metres(
    canonical_Bchw: torch.Tensor, focal_px_B: torch.Tensor, config: MetricNetworkConfig
) -> torch.Tensor:
    """
    Return log depth in metres: with a longer lens, the same pixels are farther away.

    :param canonical_Bchw: output of the network; a second channel stays as it is
    :param focal_px_B: focal length at the network's input size
    """
    ratio = (focal_px_B / config.canonical_focal_px).log().view(-1, 1, 1, 1)
    return torch.cat([canonical_Bchw[:, :1] + ratio, canonical_Bchw[:, 1:]], dim=1)


class BundledPrior(WithNetwork):
    """
    Metric depth from a bundle of kind ``prior``.

    :param bundle: an opened bundle
    :param device: where the network runs
    :param one_look: it sees the image once, whatever the bundle averages: quicker, less accurate
    """

    def __init__(
        self, bundle: Bundle, device: torch.device | str = 'cpu', *, one_look: bool = False
    ) -> None:
        self.bundle = bundle
        network = folded(read_prior_network(bundle)).to(device)
        self._one_look = one_look
        if one_look:
            network.config = network.config.with_one_look()
        self.config = network.config
        self.network = network

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Predict metric depth at the image's size; measured depth is not used.

        :raises InputError: if the intrinsics, which set the scale, are unknown
        """
        if intrinsics is None:
            raise camera_missing('bundled')
        maps = [self._look(rgb_B3HW, intrinsics, *look) for look in self.config.looks]
        full = rgb_B3HW.shape[-2], rgb_B3HW.shape[-1]
        confidence = None
        if self.config.uncertainty:  # smooth, so computed for fewer pixels than the image has
            most = max((look.shape[-2], look.shape[-1]) for look in maps)
            log_spread = _mean([resized(look[:, 1:], most) for look in maps])
            confidence = resized(confidence_of_spread(log_spread.exp()), full)
        log_depth = _mean([resized(look[:, :1], full) for look in maps])
        return PriorDepth(depth_B1HW=log_depth.exp(), kind='metric', confidence_B1HW=confidence)

    def describe(self) -> list[str]:
        """Return the line of its bundle."""
        return [self.bundle.describe() + (', one look at each image' if self._one_look else '')]

    def _look(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Intrinsics,
        scale: float,
        mirrored: tuple[bool, ...],
    ) -> torch.Tensor:
        """Return the mean maps of the network at its own size, log depth in metres."""
        width, height = network_size(
            self.config, intrinsics.width, intrinsics.height, multiple=scale
        )
        camera = intrinsics.resized(width, height)
        small = functional.interpolate(rgb_B3HW, size=(height, width), mode='area')
        canonical = self._canonical(small, camera, mirrored)
        focal = canonical.new_full((small.shape[0],), camera.fx)
        return to_log_metres(canonical, focal, self.config)

    def _canonical(
        self, rgb_B3HW: torch.Tensor, camera: Intrinsics, mirrored: tuple[bool, ...]
    ) -> torch.Tensor:
        images, rays = [], []
        for flip in mirrored:
            seen_by = camera.flipped() if flip else camera
            images.append(rgb_B3HW.flip(-1) if flip else rgb_B3HW)
            rays.append(
                seen_by.rays(device=rgb_B3HW.device)[None].expand(len(rgb_B3HW), -1, -1, -1)
            )
        canonical = self.network(torch.cat(images), torch.cat(rays)).float()
        looks = canonical.chunk(len(mirrored))
        return _mean([look.flip(-1) if flip else look for look, flip in zip(looks, mirrored)])


def _mean(maps: list[torch.Tensor]) -> torch.Tensor:
    return sum(maps[1:], maps[0]) / len(maps)


def read_prior_network(bundle: Bundle) -> MetricNetwork:
    """
    Build the network of a prior bundle.

    :raises WeightsError: if configuration and weights do not fit together
    """
    fix = 'copy the bundle again'
    state = {name: value.float() for name, value in bundle.tensors(WEIGHTS).items()}
    where = str(bundle.path / CONFIG)
    try:
        with torch.device('meta'):
            network = MetricNetwork(
                config_from(MetricNetworkConfig, bundle.json(CONFIG), where, fix)
            )
        network.load_state_dict(state, assign=True)
    except (RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(
            f'{bundle.path / WEIGHTS} does not fit {CONFIG}: {first_line(error)}; {fix}'
        ) from error
    return network.eval().requires_grad_(False)


def write_prior_bundle(folder: Path, network: MetricNetwork, record: dict[str, Any]) -> Bundle:
    """
    Write a prior bundle in fp16.

    :param record: how it was trained, for the manifest
    """
    state = {name: value.detach().half() for name, value in network.state_dict().items()}
    pretrained = network.config.encoder == LITE0
    licence = Path(__file__).with_name(LITE0_LICENCE)
    return write_bundle(
        folder,
        kind='prior',
        name=record.get('name', 'metric-small'),
        licence='Apache-2.0',
        manifest={'method': 'metric_prior', 'training': record},
        tensors={WEIGHTS: state},
        configs={CONFIG: network.config.to_dict()},
        texts={LITE0_LICENCE: licence.read_text(encoding='utf-8')} if pretrained else {},
    )
