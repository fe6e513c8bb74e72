# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work on one frame, all of it on the device, and how it adapts to little memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from depth_refiner_ros.backends.memory import FittingSize
from depth_refiner_ros.core.lens import Camera
from depth_refiner_ros.core.noise import Source
from depth_refiner_ros.core.pointcloud import CloudBuilder
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.diffusion.model_spec import ModelSpec
from depth_refiner_ros.refiner.method import Refinement, Timed, untimed
import torch

if TYPE_CHECKING:  # diffusers takes seconds to load, and a prior alone does not need it
    from depth_refiner_ros.diffusion.estimator import Estimate, SharpEstimator


@dataclass(frozen=True)
class FittingEstimator:
    """A refiner with the same noise for every image, which adapts to little memory."""

    estimator: 'SharpEstimator'
    noise: Callable[[], Source]
    fitting: FittingSize

    @property
    def spec(self) -> ModelSpec:
        """How the weights are used."""
        return self.estimator.spec

    def estimate(
        self, rgb_B3HW: torch.Tensor, prior_B1HW: torch.Tensor, known_B1HW: torch.Tensor
    ) -> 'Estimate':
        """Return the estimate at the largest working size that fits."""
        return self.fitting.run(
            lambda shrink: self.estimator.estimate(
                rgb_B3HW, prior_B1HW, known_B1HW, self.noise(), shrink=shrink
            )
        )


def frame_result(
    method: Refinement,
    intrinsics: Camera | None,
    cloud: CloudBuilder | None,
    rgb_B3HW: torch.Tensor,
    sensor_m_B1HW: torch.Tensor | None = None,
    *,
    timed: Timed = untimed,
) -> RefinedDepth:
    """Return depth and, if requested, points of a frame: all of its work on the device."""
    result = method(rgb_B3HW, intrinsics, sensor_m_B1HW, timed=timed)
    if cloud is None:
        return result
    with timed('cloud'), torch.inference_mode():
        points = cloud.build(result.depth_m_B1HW[0, 0], rgb_B3HW[0].permute(1, 2, 0))
    return replace(result, cloud_hw4=points)
