# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points of an image that can be recognised, with their place in space where depth is known."""

from dataclasses import dataclass
from typing import Protocol

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Features:
    """
    The features of one frame, the most distinct ones first.

    :param pixels_N2: float64 columns and rows, pixel centres at whole numbers
    :param descriptors_ND: uint8 bits or float32 vectors, see :attr:`FeatureDetector.norm`
    :param points_m_N3: float64 in the camera's frame, NaN where depth is unknown
    """

    pixels_N2: np.ndarray
    descriptors_ND: np.ndarray
    points_m_N3: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels_N2)

    @property
    def located(self) -> int:
        """Return how many of them have a place in space."""
        return int(np.isfinite(self.points_m_N3[:, 2]).sum())


class FeatureDetector(Protocol):
    """Finds and describes features."""

    @property
    def norm(self) -> int:
        """Return the distance of two descriptors: ``cv2.NORM_HAMMING`` or ``cv2.NORM_L2``."""

    def detect(self, rgb_HW3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return ``pixels_N2`` and ``descriptors_ND``, the most distinct features first.

        :param rgb_HW3: uint8
        """


def features_of(
    detector: FeatureDetector, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray, intrinsics: Intrinsics
) -> Features:
    """
    Detect features and lift them into space.

    :param depth_m_HW: 0 or NaN where unknown
    """
    pixels_N2, descriptors_ND = detector.detect(rgb_HW3)
    columns, rows = np.rint(pixels_N2).astype(np.intp).reshape(-1, 2).T
    height, width = depth_m_HW.shape
    depth_m_N = depth_m_HW[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
    depth_m_N = np.where(depth_m_N > 0, depth_m_N, np.nan).astype(np.float64)
    matrix = intrinsics.matrix()
    rays_N2 = (pixels_N2 - matrix[:2, 2]) / np.diag(matrix)[:2]
    points_m_N3 = np.column_stack([rays_N2, np.ones(len(pixels_N2))]) * depth_m_N[:, None]
    return Features(pixels_N2=pixels_N2, descriptors_ND=descriptors_ND, points_m_N3=points_m_N3)
