# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A frame aligned to a key frame: by features where they tell, then by all pixels."""

from dataclasses import dataclass, replace

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.odometry.dense import dense_image, DenseAlignment, Image
from depth_refiner_ros.mapping.odometry.features import FeatureDetector, Features, features_of
from depth_refiner_ros.mapping.odometry.limits import Limits
from depth_refiner_ros.mapping.odometry.matching import (
    errors_px,
    FeatureMotion,
    INLIER_PX,
    Matches,
    matches_of,
    motion_of,
)
from depth_refiner_ros.mapping.odometry.track import lost, Track
from depth_refiner_ros.mapping.trajectory_error import angle_deg
import numpy as np

KEPT_INLIERS = 0.7
"""Pixels must keep this share of the features' agreement, or the features decide alone."""
GRID_STEP_PX = 16


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A frame as it is aligned; ``depth_m_HW`` is 0 where it is not used."""

    features: Features
    image: Image
    depth_m_HW: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """
    A frame's pose relative to a key frame.

    :param points_m_N3: by which it was aligned, in the key frame
    :param overlap: share of pixels that were matched, 0 where the features decided alone
    :param inliers: features that agree
    """

    key_from_camera: np.ndarray
    points_m_N3: np.ndarray
    overlap: float
    inliers: int


class Aligner:
    """
    Aligns the frames of one camera.

    :param max_range_m: depth beyond this is not used
    """

    def __init__(
        self, intrinsics: Intrinsics, max_range_m: float, detector: FeatureDetector, limits: Limits
    ) -> None:
        self.matrix = intrinsics.matrix()
        self.detector = detector
        self._intrinsics, self._limits = intrinsics, limits
        self._dense = DenseAlignment(intrinsics, max_range_m)

    def seen(self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> Seen:
        """Return a frame ready to be aligned; depth is float32, 0 where unknown."""
        return Seen(
            features=features_of(self.detector, rgb_HW3, depth_m_HW, self._intrinsics),
            image=dense_image(rgb_HW3, depth_m_HW),
            depth_m_HW=depth_m_HW,
        )

    def align(self, key: Seen, frame: Seen, key_from_last: np.ndarray) -> Aligned | Track:
        """
        Align a frame.

        :param key_from_last: pose of the frame before
        :return: a lost track if that fails
        """
        limits = self._limits
        matches = matches_of(key.features, frame.features, self.detector.norm)
        motion = motion_of(matches, self.matrix)
        if motion is not None and motion.inliers >= limits.fewest_inliers:
            return self.refined(key.image, frame, matches, motion)
        inliers = motion.inliers if motion else 0
        telling = min(key.features.located, len(frame.features))
        if telling >= limits.telling_features:
            return lost(
                f'only {inliers} of {telling} features agree with one motion', inliers=inliers
            )
        return self._by_pixels(key, frame, key_from_last, inliers)

    def refined(self, key: Image, frame: Seen, matches: Matches, motion: FeatureMotion) -> Aligned:
        """Refine a motion of features by all pixels, unless these lead away from it."""
        dense = self._dense.motion(key, frame.image, motion.first_from_second, shape_first=True)
        features = by_features(matches, motion)
        if dense is not None and dense.overlap >= self._limits.min_overlap:
            agreeing_N = errors_px(matches, dense.first_from_second, self.matrix) <= INLIER_PX
            if agreeing_N.sum() >= KEPT_INLIERS * motion.inliers:
                return replace(
                    features, key_from_camera=dense.first_from_second, overlap=dense.overlap
                )
        return features

    def _by_pixels(
        self, key: Seen, frame: Seen, key_from_last: np.ndarray, inliers: int
    ) -> Aligned | Track:
        limits = self._limits
        dense = self._dense.motion(key.image, frame.image, key_from_last)
        if dense is None:
            return lost('the motion cannot be determined: too little shape and texture')
        if dense.overlap < limits.min_overlap:
            return lost(
                f'overlap {dense.overlap:.2f} is below {limits.min_overlap:g}',
                overlap=dense.overlap,
            )
        step = np.linalg.solve(key_from_last, dense.first_from_second)
        step_m, step_deg = float(np.linalg.norm(step[:3, 3])), angle_deg(step)
        if step_m > limits.max_step_m or step_deg > limits.max_step_deg:
            return lost(
                f'a motion of {step_m:.2f} m and {step_deg:.0f} deg between two frames '
                'is not plausible without features that show it',
                overlap=dense.overlap,
            )
        return Aligned(
            key_from_camera=dense.first_from_second,
            points_m_N3=_grid_points(key.depth_m_HW, self.matrix),
            overlap=dense.overlap,
            inliers=inliers,
        )


def by_features(matches: Matches, motion: FeatureMotion) -> Aligned:
    """Return what features alone say."""
    return Aligned(
        key_from_camera=motion.first_from_second,
        points_m_N3=matches.points_m_N3[motion.inliers_N],
        overlap=0.0,
        inliers=motion.inliers,
    )


def _grid_points(depth_m_HW: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return every so many pixels with depth as points in the camera's frame."""
    sampled_HW = depth_m_HW[::GRID_STEP_PX, ::GRID_STEP_PX]
    rows, columns = np.nonzero(sampled_HW)
    pixels_N3 = np.column_stack(
        [columns * GRID_STEP_PX, rows * GRID_STEP_PX, np.ones(len(rows))]
    ).astype(np.float64)
    return pixels_N3 @ np.linalg.inv(matrix).T * sampled_HW[rows, columns, None]
