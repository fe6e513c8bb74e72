# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The motion between two frames from their features: matches, then PnP on metric depth.

The pose that most matches agree with is found by MAGSAC++ (Barath et al. 2020) in OpenCV's USAC,
with a fixed seed, so that a run can be repeated.
"""

from dataclasses import dataclass

import cv2
from depth_refiner_ros.mapping.odometry.features import Features
from depth_refiner_ros.mapping.poses import inverse
import numpy as np

RATIO = 0.8
"""A match must be this much nearer than the second best (Lowe 2004, section 7.1)."""
FEWEST_MATCHES = 8
"""Six numbers from fewer points fit by chance."""
INLIER_PX = 2.0
CONFIDENCE, TRIALS = 0.999, 1000


@dataclass(frozen=True, kw_only=True)
class Matches:
    """
    Features of one frame that are seen in another, and known in space in the first.

    :param points_m_N3: in the frame of the first camera
    :param pixels_N2: in the image of the second one
    """

    points_m_N3: np.ndarray
    pixels_N2: np.ndarray

    def __len__(self) -> int:
        return len(self.points_m_N3)


@dataclass(frozen=True, kw_only=True)
class FeatureMotion:
    """
    A motion that features agree with.

    :param first_from_second: 4 x 4 float64
    :param inliers_N: bool, the matches that agree
    """

    first_from_second: np.ndarray
    inliers_N: np.ndarray

    @property
    def inliers(self) -> int:
        """Return how many matches agree."""
        return int(self.inliers_N.sum())


def matches_of(first: Features, second: Features, norm: int) -> Matches:
    """
    Match features by their descriptors.

    :param norm: distance of two descriptors, see :class:`FeatureDetector`
    """
    located = np.flatnonzero(np.isfinite(first.points_m_N3[:, 2]))
    if len(located) < 2 or not len(second):
        return Matches(points_m_N3=np.empty((0, 3)), pixels_N2=np.empty((0, 2)))
    pairs = cv2.BFMatcher(norm).knnMatch(second.descriptors_ND, first.descriptors_ND[located], k=2)
    good = [best for best, other in pairs if best.distance < RATIO * other.distance]
    return Matches(
        points_m_N3=first.points_m_N3[located[[match.trainIdx for match in good]]],
        pixels_N2=second.pixels_N2[[match.queryIdx for match in good]],
    )


def motion_of(matches: Matches, matrix: np.ndarray) -> FeatureMotion | None:
    """
    Return the motion that most matches agree with, None if there are too few.

    :param matrix: 3 x 3 camera matrix of the second image
    """
    if len(matches) < FEWEST_MATCHES:
        return None
    parameters = cv2.UsacParams()
    parameters.score = cv2.SCORE_METHOD_MAGSAC
    parameters.loMethod = cv2.LOCAL_OPTIM_INNER_LO
    parameters.threshold = INLIER_PX
    parameters.confidence, parameters.maxIterations = CONFIDENCE, TRIALS
    parameters.randomGeneratorState = 0
    # OpenCV writes into the matrix that it is given.
    found, _, turn_3, shift_3, _ = cv2.solvePnPRansac(
        matches.points_m_N3, matches.pixels_N2, matrix.copy(), None, params=parameters
    )
    if not found:
        return None
    second_from_first = np.eye(4)
    second_from_first[:3, :3] = cv2.Rodrigues(turn_3)[0]
    second_from_first[:3, 3] = shift_3.ravel()
    if not np.isfinite(second_from_first).all():
        return None
    first_from_second = inverse(second_from_first)
    return FeatureMotion(
        first_from_second=first_from_second,
        inliers_N=errors_px(matches, first_from_second, matrix) <= INLIER_PX,
    )


def errors_px(matches: Matches, first_from_second: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the distance of each match from where a motion puts it, inf behind the camera."""
    second_from_first = inverse(first_from_second)
    points_m_N3 = matches.points_m_N3 @ second_from_first[:3, :3].T + second_from_first[:3, 3]
    in_front_N = points_m_N3[:, 2] > 0
    depth_m_N = np.where(in_front_N, points_m_N3[:, 2], 1.0)
    pixels_N2 = (points_m_N3 @ matrix.T)[:, :2] / depth_m_N[:, None]
    errors_N = np.linalg.norm(pixels_N2 - matches.pixels_N2, axis=1)
    return np.where(in_front_N, errors_N, np.inf)
