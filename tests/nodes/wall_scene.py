# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A wall in front of a moving camera, sent to the node of fusion."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from geometry_msgs.msg import PoseStamped
import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

CAMERA = Intrinsics(fx=80.0, fy=80.0, cx=39.5, cy=29.5, width=80, height=60)
MS = 1_000_000
FRAME = 'camera_optical_frame'
PARAMETERS = {
    'pose_source': 'pose',
    'voxel_m': 0.04,
    'diagnostics_period_s': 0.2,
    'pose_wait_ms': 1500.0,
    'min_weight': 1.0,
    'marker_period_s': 0.1,
}


class Scene:
    """A wall 2 m in front of a camera that moves sideways, as topics for fusion."""

    def __init__(self, probe, tsdf, pose_kind=PoseStamped):
        self.probe, self.tsdf = probe, tsdf
        self.stamp_ns = 0
        self.pose = probe.publisher(pose_kind, 'pose' if pose_kind is PoseStamped else 'odom')
        self.info = probe.publisher(CameraInfo, 'depth/camera_info')
        self.color = probe.publisher(Image, 'color/image')
        self.confidence = probe.publisher(Image, 'depth/confidence')
        self.depth = probe.publisher(Image, 'depth/image')
        probe.heard_by(
            tsdf, probe.listen(Header, 'tsdf/done'), probe.listen(Header, 'tsdf/skipped')
        )
        probe.matched(self.pose, self.info, self.color, self.confidence, self.depth)

    def send_pose(self, stamp_ns, x_m=0.0, frame_id='map'):
        message = PoseStamped(header=header_of(stamp_ns, frame_id))
        message.pose.position.x = x_m
        self.pose.publish(message)

    def send(self, *, pose=True, x_m=0.0, depth_m=2.0, confidence=1.0, wait=True):
        """Send one frame; return its stamp once fusion has finished it."""
        self.stamp_ns += 100 * MS
        header = header_of(self.stamp_ns, FRAME)
        if pose:
            self.send_pose(self.stamp_ns, x_m)
        self.info.publish(info_from_intrinsics(header, CAMERA))
        self.color.publish(image_from_rgb(header, np.full((60, 80, 3), (200, 100, 50), np.uint8)))
        self.confidence.publish(
            image_from_depth(header, np.full((60, 80), confidence, np.float32))
        )
        self.depth.publish(image_from_depth(header, np.full((60, 80), depth_m, np.float32)))
        if wait:
            self.wait_for('tsdf/done', self.stamp_ns)
        return self.stamp_ns

    def wait_for(self, topic, stamp_ns):
        self.probe.wait(lambda: stamp_ns in self.stamps(topic), f'{topic} of {stamp_ns}')

    def stamps(self, topic):
        return [stamp_ns_of(header) for header in self.probe.received[topic]]

    def call(self, service):
        return self.probe.call(Trigger, f'tsdf/{service}', Trigger.Request())

    def status(self, condition, what):
        return self.probe.wait_diagnostics('tsdf', condition, what)


def assert_wall(mesh):
    vertices = mesh.vertices_m_N3
    assert np.abs(vertices[:, 2] - 2.0).max() < 0.005
    # 80 pixels at f = 80 see 2 m of a wall at 2 m.
    assert 1.8 < np.ptp(vertices[:, 0]) < 2.05
    np.testing.assert_allclose(np.median(mesh.colors_N3, axis=0), (200, 100, 50), atol=2)
