# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""When a frame is lost, becomes a key frame, or closes a loop."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    Limits of tracking.

    :param fewest_inliers: features that must agree with a motion
    :param telling_features: if both frames have as many, and too few agree, the frame is lost;
        with fewer the pixels decide alone
    :param most_lost_at_first: after more lost frames, and none aligned to the first one, the map
        begins anew; at once if the first has fewer features than ``fewest_inliers``
    :param min_overlap: least share of pixels that must be matched
    :param max_step_m: a larger move between two frames is lost where the pixels decide alone
    :param max_step_deg: the same of a turn
    :param key_inliers: a frame of fewer, as a share of the key frame's features, becomes the next
        key frame
    :param key_overlap: the same of overlap
    :param loop_inliers: features that must agree with a loop
    """

    fewest_inliers: int = 20
    telling_features: int = 100
    most_lost_at_first: int = 10
    min_overlap: float = 0.3
    max_step_m: float = 0.3
    max_step_deg: float = 20.0
    key_inliers: float = 0.25
    key_overlap: float = 0.6
    loop_inliers: int = 40
