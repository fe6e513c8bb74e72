# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stamps, frames and poses of messages from any library, which differ only in type."""

from typing import Any

from depth_refiner_ros.core.stamps import NS_PER_S
from depth_refiner_ros.mapping.pose_track import Numbers


def stamp_ns_of(header: Any) -> int:
    """Return the stamp of a header in nanoseconds."""
    return int(header.stamp.sec) * NS_PER_S + int(header.stamp.nanosec)


def numbers_of(message: Any) -> Numbers:
    """
    Return x y z qx qy qz qw of a pose message.

    :param message: PoseStamped, PoseWithCovarianceStamped, Odometry or TransformStamped
    """
    if hasattr(message, 'transform'):
        position, turn = message.transform.translation, message.transform.rotation
    else:
        pose = message.pose.pose if hasattr(message.pose, 'pose') else message.pose
        position, turn = pose.position, pose.orientation
    return position.x, position.y, position.z, turn.x, turn.y, turn.z, turn.w
