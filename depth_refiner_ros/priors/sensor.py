# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A depth camera as the prior; its image may have holes, noise, smear and another size."""

from depth_refiner_ros.core.checks import check_map, surely_everywhere
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.types import PriorDepth
from depth_refiner_ros.priors.base import depth_missing, WithoutNetwork
import torch
from torch.nn import functional

NEAREST_M = 1e-3


class SensorPrior(WithoutNetwork):
    """Registered sensor depth, in which values that are not positive become unknown."""

    takes_lenses = True

    def predict(
        self,
        rgb_B3HW: torch.Tensor,
        intrinsics: Camera | None,
        sensor_m_B1HW: torch.Tensor | None = None,
    ) -> PriorDepth:
        """
        Return the sensor's depth at the image's size, by nearest pixel.

        :raises InputError: if there is no depth image, it is not a batch of maps in metres, or, on
            the CPU, none of its pixels has a value
        """
        if sensor_m_B1HW is None:
            raise depth_missing('sensor')
        check_map('sensor depth', sensor_m_B1HW)
        if len(sensor_m_B1HW) != len(rgb_B3HW):
            raise InputError(
                f'{len(rgb_B3HW)} images but {len(sensor_m_B1HW)} depth images; give one for each'
            )
        depth = sensor_m_B1HW.float()
        if depth.shape[-2:] != rgb_B3HW.shape[-2:]:
            depth = functional.interpolate(depth, size=rgb_B3HW.shape[-2:], mode='nearest-exact')
        check_measured(depth)
        return PriorDepth(depth_B1HW=torch.where(_usable(depth), depth, torch.nan), kind='metric')

    def describe(self) -> list[str]:
        """Return no line, because nothing is loaded."""
        return []


def check_measured(depth_m_B1HW: torch.Tensor) -> None:
    """
    Raise unless depth on the CPU has a measured pixel; on a GPU the check would wait for it.

    :raises InputError: if depth on the CPU has none
    """
    if measures_none(depth_m_B1HW):
        raise InputError('the depth image has no valid pixel; check its range and encoding')


def measures_none(depth_m_B1HW: torch.Tensor | None) -> bool:
    """Whether depth has no measured pixel; on a GPU, which would be waited for, False."""
    return depth_m_B1HW is not None and surely_everywhere(~_usable(depth_m_B1HW))


def _usable(depth_m_B1HW: torch.Tensor) -> torch.Tensor:
    return torch.isfinite(depth_m_B1HW) & (depth_m_B1HW > NEAREST_M)
