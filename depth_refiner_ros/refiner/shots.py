# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of several cameras that are refined in one call."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.types import RefinedDepth
import torch

if TYPE_CHECKING:
    from depth_refiner_ros.refiner.refiner import DepthRefiner


@dataclass(frozen=True, kw_only=True)
class Shot:
    """
    An image of one of several cameras, see :meth:`DepthRefiner.refine` for what it holds.

    :param refiner: of this camera, see :meth:`DepthRefiner.for_another_camera`
    """

    refiner: 'DepthRefiner'
    rgb_13HW: torch.Tensor
    intrinsics: Camera | None
    sensor_depth_m_11HW: torch.Tensor | None = None
    stamp_ns: int | None = None

    def refined(self) -> RefinedDepth:
        """Return the depth of this image alone."""
        return self.refiner.refine(
            self.rgb_13HW,
            self.intrinsics,
            sensor_depth_m_B1HW=self.sensor_depth_m_11HW,
            stamp_ns=self.stamp_ns,
        )

    @property
    def form(self) -> Hashable:
        """What has to be equal of shots that are refined together."""
        sensor = self.sensor_depth_m_11HW
        return (
            (self.rgb_13HW.shape, self.rgb_13HW.dtype),
            None if sensor is None else (sensor.shape, sensor.dtype),
            self.refiner.options,
        )
