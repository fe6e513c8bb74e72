# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The motion between two frames from all their pixels, by Open3D's multi-scale RGB-D odometry.

Its residual is photometric and geometric (Park et al. 2017). From a wrong start it settles
anywhere.
"""

from dataclasses import dataclass

import cv2
from depth_refiner_ros.core.camera import Intrinsics
import numpy as np
import open3d as o3d
import open3d.core as o3c

Image = o3d.t.geometry.RGBDImage
Method = o3d.t.pipelines.odometry.Method

STEPS, SHAPE_STEPS = (6, 3, 1), (20, 10, 5)
"""Most steps from the coarsest of three scales to the finest; the first are Open3D's."""

MOST_COLUMNS = 400
"""Larger images are halved: half the time, and no accuracy was lost where it was measured."""


@dataclass(frozen=True, kw_only=True)
class DenseMotion:
    """
    A motion that pixels agree with.

    :param first_from_second: 4 x 4 float64
    :param overlap: share of the second frame's pixels with depth that were matched
    """

    first_from_second: np.ndarray
    overlap: float


class DenseAlignment:
    """
    Aligns images of one camera.

    :param max_range_m: depth beyond this is not used
    """

    def __init__(self, intrinsics: Intrinsics, max_range_m: float) -> None:
        matrix = intrinsics.matrix()
        matrix[:2] /= 2 ** halvings(intrinsics.width)
        self._matrix = o3c.Tensor.from_numpy(matrix)
        self._max_range_m = max_range_m

    def motion(
        self, first: Image, second: Image, start: np.ndarray, *, shape_first: bool = False
    ) -> DenseMotion | None:
        """
        Return the motion, None if shape and texture do not determine it.

        :param start: ``first_from_second`` to begin with
        :param shape_first: begin with the distance to planes, which finds its way from farther
            off, as where few features leave a turn and a move alike; a bare wall would slide
        """
        if shape_first:
            begun = self._aligned(first, second, start, SHAPE_STEPS, Method.PointToPlane)
            start = start if begun is None else begun.transformation.cpu().numpy()
        found = self._aligned(first, second, start, STEPS, Method.Hybrid)
        if found is None:
            return None
        first_from_second = found.transformation.cpu().numpy()
        depth_m_HW = second.depth.as_tensor().numpy()
        share = np.count_nonzero(depth_m_HW) / depth_m_HW.size
        return DenseMotion(first_from_second=first_from_second, overlap=found.fitness / share)

    def _aligned(
        self,
        first: Image,
        second: Image,
        start: np.ndarray,
        steps: tuple[int, ...],
        method: Method,
    ) -> o3d.t.pipelines.odometry.OdometryResult | None:
        try:
            found = o3d.t.pipelines.odometry.rgbd_odometry_multi_scale(
                second,
                first,
                self._matrix,
                o3c.Tensor.from_numpy(start),
                1.0,
                self._max_range_m,
                [o3d.t.pipelines.odometry.OdometryConvergenceCriteria(most) for most in steps],
                method,
            )
        except RuntimeError as error:
            if 'Singular' not in str(error):
                raise
            return None
        return found if np.isfinite(found.transformation.cpu().numpy()).all() else None


def dense_image(rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> Image:
    """
    Return an image for :class:`DenseAlignment`.

    :param depth_m_HW: float32, 0 where unknown
    """
    for _ in range(halvings(rgb_HW3.shape[1])):
        # Both keep every second pixel from the first on, so that the principal point is halved.
        rgb_HW3, depth_m_HW = cv2.pyrDown(rgb_HW3), depth_m_HW[::2, ::2]
    color = np.ascontiguousarray(rgb_HW3, dtype=np.float32) / np.float32(255.0)
    return Image(
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(color)),
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(np.ascontiguousarray(depth_m_HW))),
    )


def halvings(columns: int) -> int:
    """Return how often an image of this width is halved."""
    count = 0
    while columns > MOST_COLUMNS:
        columns, count = (columns + 1) // 2, count + 1
    return count
