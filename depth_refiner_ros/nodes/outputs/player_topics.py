# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Frames as the topics of a camera with a known pose."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import compressed_from_rgb, image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.conversions.poses import pose_message, transform_message
from depth_refiner_ros.nodes.runtime.topics import COLOR, Topics
from depth_refiner_ros.settings.nodes import PlayerNodeSettings
from depth_refiner_ros.sources.frame import Frame
from geometry_msgs.msg import PoseStamped, TransformStamped
import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

try:
    import tf2_ros
except ImportError:
    tf2_ros = None

QUEUE = 10
POSE_QUEUE = 100


class PlayerTopics:
    """
    Publishes frames: pose, camera model and depth before the image they belong to.

    :param node: publisher of the topics
    :param settings: topics and frames
    """

    def __init__(self, node: Node, settings: PlayerNodeSettings) -> None:
        self._settings = settings
        self._camera_frame = settings.frame_prefix + settings.camera_frame
        self._map_frame = settings.frame_prefix + settings.map_frame
        self._clock = (
            node.create_publisher(Clock, '/clock', QUEUE) if settings.publish_clock else None
        )
        topics = Topics(node)
        self._pose = topics.publisher(PoseStamped, 'pose', POSE_QUEUE)
        self._info = topics.publisher(CameraInfo, 'camera_info', QUEUE)
        self._depth = topics.publisher(Image, 'depth_in', QUEUE)
        kind, transport = (CompressedImage, COLOR) if settings.compressed else (Image, '')
        self._image = topics.publisher(kind, 'image', QUEUE, transport=transport)
        topics.warn_of_unused_overrides()
        self._broadcaster = None if tf2_ros is None else tf2_ros.TransformBroadcaster(node)

    @property
    def missing(self) -> str:
        """Return a text with the topics without subscribers; empty if there are none."""
        needed = [self._image, self._info, *([self._depth] * self._settings.publish_depth)]
        return ', '.join(
            f'nobody listens to {publisher.topic_name}'
            for publisher in needed
            if not publisher.get_subscription_count()
        )

    def publish(self, frame: Frame, camera: Intrinsics | None, stamp_ns: int) -> None:
        """Publish one frame under a stamp."""
        header = header_of(stamp_ns, self._camera_frame)
        if self._clock is not None:
            self._clock.publish(Clock(clock=header.stamp))
        if frame.map_from_camera is not None:
            self._publish_pose(frame.map_from_camera, stamp_ns)
        if camera is not None:
            self._info.publish(info_from_intrinsics(header, camera))
        if self._settings.publish_depth and frame.depth_m_HW is not None:
            self._depth.publish(image_from_depth(header, frame.depth_m_HW))
        make = compressed_from_rgb if self._settings.compressed else image_from_rgb
        self._image.publish(make(header, frame.rgb_HW3))

    def flush(self, timeout_s: float) -> None:
        """Wait until reliable subscribers have received everything."""
        for publisher in (self._pose, self._info, self._depth, self._image):
            publisher.wait_for_all_acked(Duration(seconds=timeout_s))

    def _publish_pose(self, map_from_camera: np.ndarray, stamp_ns: int) -> None:
        header = header_of(stamp_ns, self._map_frame)
        self._pose.publish(PoseStamped(header=header, pose=pose_message(map_from_camera)))
        if self._broadcaster is not None:
            self._broadcaster.sendTransform(
                TransformStamped(
                    header=header,
                    child_frame_id=self._camera_frame,
                    transform=transform_message(map_from_camera),
                )
            )
