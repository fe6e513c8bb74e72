# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fusion that tracks the camera itself: odometry out, a loss reported and survived."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from nav_msgs.msg import Odometry
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from tests.mapping.conftest import blots, Room, turned
from tests.nodes.node_graph import Probe
from tests.nodes.wrong_starts import refused_start

pytestmark = pytest.mark.slow
STEP_NS = 100_000_000
ROOM = Room(camera=Intrinsics.from_fov(320, 240, 75.0), paint=blots)
OWN = {'pose_source': 'own', 'map_frame': 'odom', 'use_confidence': False, 'voxel_m': 0.08}


def position(message):
    place = message.pose.pose.position
    return [place.x, place.y, place.z]


def test_odometry_is_published_and_a_loss_is_survived(tmp_path):
    with Probe() as probe:
        outputs = [
            probe.listen(kind, topic)
            for kind, topic in ((Odometry, 'odometry'), (Header, 'tsdf/done'))
        ]
        outputs.append(probe.listen(Header, 'tsdf/skipped'))
        parameters = {**OWN, 'mesh_file': tmp_path / 'mesh.ply', 'diagnostics_period_s': 0.2}
        with probe.run('tsdf', parameters) as tsdf:
            probe.heard_by(tsdf, *outputs)
            inputs = {
                'depth/camera_info': probe.publisher(CameraInfo, 'depth/camera_info'),
                'color/image': probe.publisher(Image, 'color/image'),
                'depth/image': probe.publisher(Image, 'depth/image'),
            }
            probe.matched(*inputs.values())
            sent = 0

            def send(pose, topic):
                nonlocal sent
                sent += STEP_NS
                depth_m_HW, rgb_HW3 = ROOM.render(pose)
                header = header_of(sent, 'camera_optical_frame')
                inputs['depth/camera_info'].publish(info_from_intrinsics(header, ROOM.camera))
                inputs['color/image'].publish(image_from_rgb(header, rgb_HW3))
                inputs['depth/image'].publish(image_from_depth(header, depth_m_HW))
                probe.wait(
                    lambda: sent in [stamp_ns_of(done) for done in probe.received[topic]], topic
                )

            way = [turned(0), turned(5, (0.1, 0, 0)), turned(10, (0.2, 0, 0))]
            for pose in way:
                send(pose, 'tsdf/done')
            send(turned(180), 'tsdf/skipped')
            send(way[1], 'tsdf/done')
            probe.wait(lambda: len(probe.received['odometry']) == 4, 'odometry')
            for message, pose in zip(probe.received['odometry'], [*way, way[1]]):
                assert message.header.frame_id == 'odom'
                assert message.child_frame_id == 'camera_optical_frame'
                np.testing.assert_allclose(position(message), pose[:3, 3], atol=0.01)
            first, *others = (
                message.pose.covariance.reshape(6, 6) for message in probe.received['odometry']
            )
            assert not first.any()
            assert all(np.linalg.eigvalsh(covariance).min() > 0 for covariance in others)
            probe.wait_diagnostics(
                'tsdf', lambda status: status.get('frames_lost') == '1', 'the lost frame'
            )
            assert any('tracking lost: only' in line for line in tsdf.lines), tsdf.output
            assert probe.call(Trigger, 'tsdf/reset', Trigger.Request()).success
            send(turned(90), 'tsdf/done')
            probe.wait(lambda: len(probe.received['odometry']) == 5, 'odometry')
            np.testing.assert_array_equal(position(probe.received['odometry'][-1]), [0, 0, 0])
            assert tsdf.stop() == 0, tsdf.output


def test_a_map_that_began_with_a_dark_frame_begins_anew(tmp_path):
    way = [turned(0), turned(5, (0.1, 0, 0))]
    dark = np.full((240, 320), 2.0, np.float32), np.zeros((240, 320, 3), np.uint8)
    with Probe() as probe:
        odometry = probe.listen(Odometry, 'odometry')
        parameters = {**OWN, 'mesh_file': tmp_path / 'mesh.ply', 'diagnostics_period_s': 0.2}
        with probe.run('tsdf', parameters) as tsdf:
            probe.heard_by(tsdf, odometry)
            camera = probe.publisher(CameraInfo, 'depth/camera_info')
            color = probe.publisher(Image, 'color/image')
            depth = probe.publisher(Image, 'depth/image')
            probe.matched(camera, color, depth)
            for sent, (depth_m_HW, rgb_HW3) in enumerate([dark, *map(ROOM.render, way)], 1):
                header = header_of(sent * STEP_NS, 'camera_optical_frame')
                camera.publish(info_from_intrinsics(header, ROOM.camera))
                color.publish(image_from_rgb(header, rgb_HW3))
                depth.publish(image_from_depth(header, depth_m_HW))
                probe.wait(lambda: len(probe.received['odometry']) == sent, 'odometry')  # noqa: B023
            found = [position(message) for message in probe.received['odometry']]
            np.testing.assert_allclose(found[1:], [pose[:3, 3] for pose in way], atol=0.01)
            probe.wait_diagnostics(
                'tsdf', lambda status: status.get('frames_fused') == '2', 'a map begun anew'
            )
            assert any('the map begins anew' in line for line in tsdf.lines), tsdf.output
            assert tsdf.stop() == 0, tsdf.output


def test_tracking_needs_color(capfd):
    with Probe() as probe:
        parameters = {'pose_source': 'own', 'use_color': 'false'}
        code, written = refused_start('tsdf', parameters, probe.namespace, capfd)
    assert code == 2
    assert 'pose_source = own tracks by color; set use_color to true' in written
