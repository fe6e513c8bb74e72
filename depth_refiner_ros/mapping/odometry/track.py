# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is known about the pose of one frame."""

from dataclasses import dataclass
from enum import Enum

import numpy as np


class TrackStatus(Enum):
    """Whether a frame has a pose."""

    FIRST = 'first'
    """The first frame, which defines the map."""
    OK = 'ok'
    FOUND_AGAIN = 'found again'
    """The first frame after a loss, recognised by an earlier key frame."""
    LOST = 'lost'


@dataclass(frozen=True, kw_only=True)
class Track:
    """
    Result for one frame.

    :param map_from_camera: 4 x 4 float64 pose, None if lost
    :param overlap: share of the pixels with depth that were matched
    :param inliers: image features that agree with the pose
    :param covariance_66: of position in m² and of turns about the map's axes in rad², see
        ``covariance.py``; None if lost
    :param reason: why it was lost
    """

    status: TrackStatus
    map_from_camera: np.ndarray | None
    overlap: float = 0.0
    inliers: int = 0
    covariance_66: np.ndarray | None = None
    reason: str = ''


def lost(reason: str, *, overlap: float = 0.0, inliers: int = 0) -> Track:
    """Return the result for a frame without a pose."""
    return Track(
        status=TrackStatus.LOST,
        map_from_camera=None,
        overlap=overlap,
        inliers=inliers,
        reason=reason,
    )
