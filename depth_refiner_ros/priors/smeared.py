# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Known depth with the errors of real networks, to evaluate without such a network.

The same functions degrade exact depth in training.
"""

import zlib

from depth_refiner_ros.core.fill import fill_holes
from depth_refiner_ros.core.images import unit_image
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import depth_missing, WithoutNetwork
from depth_refiner_ros.priors.degradations.fields import scale_error
from depth_refiner_ros.priors.degradations.smeared import smear
from depth_refiner_ros.priors.degradations.table import degraded
from depth_refiner_ros.priors.sensor import SensorPrior
import torch


class SmearedPrior(WithoutNetwork):
    """
    Measured depth, degraded, with low-frequency scale warp and global scale error.

    :param kind: one of the degradations' names; ``smeared`` is only blurred, by ``factor``
    :param factor: pixels that are averaged into one, before a smooth upsampling
    :param warp: standard deviation of the low-frequency log scale error
    :param scale: standard deviation of the global one
    :param seed: of the errors
    :param per_image: draw errors from the seed and the depth itself, so that every frame of a
        recording has different but reproducible errors; otherwise from the seed alone
    """

    takes_lenses = True

    def __init__(
        self,
        *,
        kind: str = 'smeared',
        factor: float = 12.0,
        warp: float = 0.03,
        scale: float = 0.03,
        seed: int = 0,
        per_image: bool = False,
    ) -> None:
        self.kind, self.factor, self.warp, self.scale = kind, factor, warp, scale
        self.seed, self.per_image = seed, per_image

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Return the measured depth with errors; holes are filled first, as a network has none.

        :return: depth that is NaN only in the holes of a degradation that makes some
        :raises InputError: if there is no measured depth
        """
        if sensor_m_B1HW is None:
            raise depth_missing('smeared', 'true depth, which it degrades')
        measured = SensorPrior().predict(rgb_B3HW, intrinsics, sensor_m_B1HW).depth_B1HW
        exact = fill_holes(measured)
        seeds = [self.seed + (_checksum(depth) if self.per_image else 0) for depth in measured]
        depth = torch.cat(
            [
                self._spoilt(exact[index : index + 1], rgb_B3HW[index : index + 1], seed)
                for index, seed in enumerate(seeds)
            ]
        )
        return PriorDepth(depth_B1HW=depth, filled_B1HW=~torch.isfinite(measured))

    def _spoilt(
        self, depth_m_11HW: torch.Tensor, rgb_13HW: torch.Tensor, seed: int
    ) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        error = scale_error(depth_m_11HW, generator, warp=self.warp, scale=self.scale)
        error = error.to(depth_m_11HW.device)
        if self.kind == 'smeared':
            return smear(depth_m_11HW, self.factor) * error
        rgb = unit_image(rgb_13HW)
        return degraded(self.kind, depth_m_11HW * error, rgb, generator).prior_m_B1HW

    def describe(self) -> list[str]:
        """Return no line, because nothing is loaded."""
        return []


def _checksum(depth_m_1HW: torch.Tensor) -> int:
    """Return a hash of the depth, including holes, that is the same on every device."""
    return zlib.crc32(depth_m_1HW.nan_to_num(0.0).cpu().contiguous().numpy().tobytes())
