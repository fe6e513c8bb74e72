# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frames by which places are recognised."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
from depth_refiner_ros.mapping.odometry.dense import Image
from depth_refiner_ros.mapping.odometry.features import Features
from depth_refiner_ros.mapping.odometry.matching import (
    FeatureMotion,
    Matches,
    matches_of,
    motion_of,
)
import numpy as np

RANKED_FEATURES = 200
"""The most distinct features of each frame vote for the key frames that show the same place."""
MOST_CANDIDATES = 5
MOST_ROWS = 2**18 - 1
"""OpenCV matches no more descriptors of one image."""


@dataclass(frozen=True, kw_only=True)
class KeyFrame:
    """
    A frame of known pose that others are aligned to.

    :param image: to refine what features find, None if that is not wanted
    :param covariance_66: see ``covariance.py``
    """

    features: Features
    image: Image | None
    map_from_camera: np.ndarray
    covariance_66: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SeenBefore:
    """A key frame that shows the same place as another frame."""

    index: int
    matches: Matches
    motion: FeatureMotion


class KeyFrames:
    """
    The key frames of a run, in order of time.

    :param norm: distance of two descriptors, see :class:`FeatureDetector`
    :param matrix: 3 x 3 camera matrix
    :param most: if there are more, the farthest from the newest is forgotten; None keeps all
    """

    def __init__(self, norm: int, matrix: np.ndarray, most: int | None = None) -> None:
        self._norm, self._matrix, self._most = norm, matrix, most
        self._frames: list[KeyFrame] = []
        self._ranked: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[KeyFrame]:
        return iter(self._frames)

    def __getitem__(self, index: int) -> KeyFrame:
        return self._frames[index]

    def add(self, frame: KeyFrame) -> None:
        """Append a key frame."""
        self._frames.append(frame)
        self._ranked.append(frame.features.descriptors_ND[:RANKED_FEATURES])
        if self._most is not None and len(self) > self._most:
            farthest = self._farthest()
            del self._frames[farthest], self._ranked[farthest]

    def seen_before(
        self, features: Features, *, fewest_inliers: int, among: int
    ) -> Iterator[SeenBefore]:
        """
        Yield the key frames that show the same place as a frame, the likeliest first.

        :param fewest_inliers: fewer features that agree may do so by chance
        :param among: only the first so many key frames are asked
        """
        for index in self._candidates(features, among):
            matches = matches_of(self[index].features, features, self._norm)
            motion = motion_of(matches, self._matrix)
            if motion is not None and motion.inliers >= fewest_inliers:
                yield SeenBefore(index=index, matches=matches, motion=motion)

    def _farthest(self) -> int:
        """Return the key frame farthest from the newest one: a lost camera is not far from it."""
        places_m_K3 = np.array([frame.map_from_camera[:3, 3] for frame in self])
        return int(np.linalg.norm(places_m_K3[:-1] - places_m_K3[-1], axis=1).argmax())

    def _candidates(self, features: Features, among: int) -> list[int]:
        ranked = self._ranked[:among]
        owners_M = np.repeat(np.arange(len(ranked)), [len(part) for part in ranked])
        asked_ND = features.descriptors_ND[:RANKED_FEATURES]
        if not len(owners_M) or not len(asked_ND):
            return []
        stacked_MD = np.concatenate(ranked)
        matcher = cv2.BFMatcher(self._norm)
        matcher.add(
            [stacked_MD[row : row + MOST_ROWS] for row in range(0, len(owners_M), MOST_ROWS)]
        )
        rows = [match.imgIdx * MOST_ROWS + match.trainIdx for match in matcher.match(asked_ND)]
        votes_K = np.bincount(owners_M[rows], minlength=len(ranked))
        order = np.argsort(-votes_K, kind='stable')[:MOST_CANDIDATES]
        return [int(index) for index in order if votes_K[index]]
