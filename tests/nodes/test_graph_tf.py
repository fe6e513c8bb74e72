# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fusion and held scale with poses from TF, on a ROS host with its messages."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from geometry_msgs.msg import TransformStamped
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from tests.nodes.test_graph_refiner import Bench, PARAMETERS

tf2_msgs = pytest.importorskip('tf2_msgs.msg', reason='tf2_msgs comes with a ROS host')
pytestmark = pytest.mark.slow
CAMERA = Intrinsics(fx=80.0, fy=80.0, cx=39.5, cy=29.5, width=80, height=60)
MS = 1_000_000


def transform(stamp_ns, parent, child, x_m=0.0):
    made = TransformStamped(header=header_of(stamp_ns, parent), child_frame_id=child)
    made.transform.translation.x = x_m
    made.transform.rotation.w = 1.0
    return made


def test_frames_are_fused_at_their_pose_in_the_tree(probe, tmp_path):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    static = probe.node.create_publisher(tf2_msgs.TFMessage, '/tf_static', latched)
    moving = probe.publisher(tf2_msgs.TFMessage, '/tf', depth=100)
    static.publish(tf2_msgs.TFMessage(transforms=[transform(0, 'base_link', 'eye')]))
    parameters = {'pose_source': 'tf', 'use_color': False, 'use_confidence': False}
    with probe.run('tsdf', parameters, folder=tmp_path) as tsdf:
        done, skipped = (probe.listen(Header, f'tsdf/{name}') for name in ('done', 'skipped'))
        info = probe.publisher(CameraInfo, 'depth/camera_info')
        depth = probe.publisher(Image, 'depth/image')
        probe.heard_by(tsdf, done, skipped)
        probe.matched(info, depth, moving)
        for number in range(1, 4):
            stamp_ns = number * 100 * MS
            header = header_of(stamp_ns, 'eye')
            # Poses around the frame: TF interpolates between them.
            for beside_ns in (stamp_ns - 5 * MS, stamp_ns + 5 * MS):
                moving.publish(
                    tf2_msgs.TFMessage(
                        transforms=[transform(beside_ns, 'map', 'base_link', beside_ns * 1e-9)]
                    )
                )
            info.publish(info_from_intrinsics(header, CAMERA))
            depth.publish(image_from_depth(header, np.full((60, 80), 2.0, np.float32)))
            probe.wait(
                lambda stamp_ns=stamp_ns: (
                    stamp_ns in map(stamp_ns_of, probe.received['tsdf/done'])
                ),
                'the end of a frame',
            )
        assert not probe.received['tsdf/skipped'], tsdf.output


def test_the_scale_of_depth_is_held_by_poses_in_the_tree(probe):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    static = probe.node.create_publisher(tf2_msgs.TFMessage, '/tf_static', latched)
    moving = probe.publisher(tf2_msgs.TFMessage, '/tf', depth=100)
    eye = transform(0, 'base_link', 'camera_optical_frame')
    static.publish(tf2_msgs.TFMessage(transforms=[eye]))
    parameters = {**PARAMETERS, 'pose_source': 'tf', 'map_frame': 'odom'}
    with probe.run('refiner', parameters) as refiner:
        bench = Bench(probe, refiner)
        probe.matched(moving)

        def sent(depth_m, parent='odom'):
            stamp_ns = bench.stamp_ns + 40 * MS
            for beside_ns in (stamp_ns - 5 * MS, stamp_ns + 5 * MS):
                step = transform(beside_ns, parent, 'base_link', beside_ns * 1e-9)
                moving.publish(tf2_msgs.TFMessage(transforms=[step]))
            depth_m_HW = np.full((64, 96), depth_m, np.float32)
            return float(bench.depth(bench.send(depth_m=depth_m_HW)).mean())

        for _ in range(10):
            sent(2.0)
        assert sent(2.1) == pytest.approx(2.0, abs=0.02)
        bench.send(depth_m=np.full((64, 96), 2.1, np.float32))  # its transform is missing
        bench.status(lambda status: status['frames_without_pose'] == '1', 'a count')
        assert sent(1.9) == pytest.approx(2.0, abs=0.02)
        assert refiner.stop() == 0, refiner.output
