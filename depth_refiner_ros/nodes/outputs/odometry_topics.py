# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Tracked poses as Odometry, and as a transform where tf2 is installed."""

from depth_refiner_ros.mapping.odometry.track import Track
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.nodes.conversions.poses import pose_message, transform_message
from depth_refiner_ros.nodes.runtime.topics import Topics
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

try:
    import tf2_ros
except ImportError:
    tf2_ros = None

QUEUE = 100
UNKNOWN = 1e6
"""Variance of a velocity, in m²/s² and rad²/s², that is not estimated."""


class OdometryTopics:
    """
    Publishes ``odometry`` and ``/tf``.

    :param map_frame: in which poses are
    :param publish_tf: whether to publish the transform, too
    """

    def __init__(self, node: Node, topics: Topics, map_frame: str, *, publish_tf: bool) -> None:
        self._map_frame = map_frame
        self._odometry = topics.publisher(Odometry, 'odometry', QUEUE)
        wanted = publish_tf and tf2_ros is not None
        self._broadcaster = tf2_ros.TransformBroadcaster(node) if wanted else None

    def publish(self, camera: Header, track: Track) -> None:
        """
        Publish the pose of a frame.

        :param camera: header of the frame, with its optical frame
        :param track: not lost
        """
        assert track.map_from_camera is not None, 'only poses are published'
        assert track.covariance_66 is not None, 'every pose has one'
        header = header_of(stamp_ns_of(camera), self._map_frame)
        message = Odometry(header=header, child_frame_id=camera.frame_id)
        message.pose.pose = pose_message(track.map_from_camera)
        message.pose.covariance = track.covariance_66.ravel()
        message.twist.covariance = (UNKNOWN * np.eye(6)).ravel()
        self._odometry.publish(message)
        if self._broadcaster is not None:
            self._broadcaster.sendTransform(
                TransformStamped(
                    header=header,
                    child_frame_id=camera.frame_id,
                    transform=transform_message(track.map_from_camera),
                )
            )
