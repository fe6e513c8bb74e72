# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A depth map with the camera and the pose that it was seen from."""

from dataclasses import dataclass

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


@dataclass(frozen=True, kw_only=True)
class PosedDepth:
    """
    One view of a scene.

    :param depth_m_HW: float32 depth along Z, NaN where unknown
    :param map_from_camera: 4 x 4 pose of the optical frame
    """

    depth_m_HW: np.ndarray
    intrinsics: Intrinsics
    map_from_camera: np.ndarray
