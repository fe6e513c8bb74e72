"""Trajectories from pose messages of any library."""

from collections.abc import Iterable
from typing import Any

from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.trajectory import Trajectory
import numpy as np


def pose_from_message(message: Any) -> np.ndarray:
    """
    Return the 4x4 pose of a PoseStamped, PoseWithCovarianceStamped, Odometry or TransformStamped.

    :raises MappingError: where a value is not finite or the quaternion not of length 1
    """
    if hasattr(message, 'transform'):
        position, turn = message.transform.translation, message.transform.rotation
    else:
        pose = message.pose.pose if hasattr(message.pose, 'pose') else message.pose
        position, turn = pose.position, pose.orientation
    return pose_from_quaternion(
        (position.x, position.y, position.z), (turn.x, turn.y, turn.z, turn.w)
    )


def trajectory_from_messages(stamped: Iterable[tuple[int, Any]]) -> Trajectory:
    """
    Collect poses in the order they come; a repeat of the last stamp is dropped.

    :param stamped: time in nanoseconds and message
    :raises MappingError: where time jumps back or a pose is unfit
    """
    stamps_ns: list[int] = []
    poses: list[np.ndarray] = []
    for stamp_ns, message in stamped:
        if not stamps_ns or stamp_ns != stamps_ns[-1]:
            stamps_ns.append(stamp_ns)
            poses.append(pose_from_message(message))
    return Trajectory(
        stamps_ns_N=np.array(stamps_ns, dtype=np.int64),
        map_from_camera_N44=np.array(poses).reshape(-1, 4, 4),
    )
