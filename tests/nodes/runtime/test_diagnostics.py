# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a node reports on /diagnostics, tested in this process with real messages."""

from contextlib import contextmanager
import time

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.recorder_node import RecorderNode
from depth_refiner_ros.nodes.refiner_node import RefinerNode
from depth_refiner_ros.nodes.tsdf_node import TsdfNode
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, qos_profile_sensor_data, QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import MarkerArray

from tests.nodes.node_graph import picture, slope

CAMERA = Intrinsics(fx=60.0, fy=60.0, cx=31.5, cy=23.5, width=64, height=48)
MS = 1_000_000
WATCH_S = 3.5
REFINER = {'prior': 'sensor', 'refiner': 'none', 'always_on': True, 'input_qos': 'reliable'}
FUSION = {'pose_source': 'own', 'use_confidence': False, 'save_at_shutdown': False}

REFINER_TOPICS = ('depth_in', 'camera_info', 'image')
FUSION_TOPICS = ('depth/image', 'depth/camera_info', 'color/image')


class Graph:
    """A node of ours beside a camera that publishes and listens."""

    def __init__(self, kind, depth_topic, info_topic, color_topic):
        self.node, self.camera = kind(), rclpy.create_node('camera')
        self._executor = SingleThreadedExecutor()
        for node in (self.node, self.camera):
            self._executor.add_node(node)
        assert self.node.autostarted()
        self._reports, self._sent = [], 0
        self.camera.create_subscription(DiagnosticArray, '/diagnostics', self._reports.append, 10)
        self._info = self.camera.create_publisher(CameraInfo, info_topic, 10)
        self._depth = self.camera.create_publisher(Image, depth_topic, 10)
        self._color = self.camera.create_publisher(Image, color_topic, 10)

    def send(self, *, color_ms=0, info_ms=0, period_ms=100):
        """Send one frame, its parts stamped beside its depth, and spin for a tenth of a second."""
        self._sent += 1
        # A driver that does not stamp: period_ms = 0.
        stamp_ns = 10**9 + self._sent * period_ms * MS
        self._info.publish(info_from_intrinsics(header_of(stamp_ns + info_ms * MS, ''), CAMERA))
        self._depth.publish(image_from_depth(header_of(stamp_ns, 'eye'), slope()))
        self._color.publish(image_from_rgb(header_of(stamp_ns + color_ms * MS, 'eye'), picture()))
        self.spin(0.1)

    def send_for(self, seconds, **offsets):
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            self.send(**offsets)

    def spin(self, seconds):
        deadline_s = time.monotonic() + seconds
        while time.monotonic() < deadline_s:
            self._executor.spin_once(timeout_sec=0.02)

    @property
    def status(self):
        """Return a fresh report."""
        self._reports.clear()
        self.node.diagnostics.publish()
        while not self._reports:
            self.spin(0.1)
        return self._reports[-1].status[0]

    def close(self):
        self._executor.shutdown()
        for node in (self.node, self.camera):
            node.destroy_node()


@pytest.fixture
def graph():
    @contextmanager
    def running(kind, parameters, topics):
        words = [
            word
            for name, value in parameters.items()
            for word in ('-p', f'{name}:={str(value).lower()}')
        ]
        rclpy.init(args=['--ros-args', *words])
        made = Graph(kind, *topics)
        try:
            yield made
        finally:
            made.node.close()
            made.close()
            rclpy.try_shutdown()

    return running


def refiner(graph, **parameters):
    return graph(RefinerNode, {**REFINER, **parameters}, REFINER_TOPICS)


def fusion(graph, **parameters):
    return graph(TsdfNode, {**FUSION, **parameters}, FUSION_TOPICS)


def test_a_refiner_whose_images_find_no_camera_info_warns(graph, capfd):
    with refiner(graph, sync_mode='exact', expected_rate_hz=5.0) as running:
        running.send_for(WATCH_S, info_ms=50)
        status = running.status
    assert status.level == DiagnosticStatus.WARN
    assert 'frames unmatched: the stamps of image, depth_in and camera_info' in status.message
    assert 'see sync_mode and sync_tolerance_ms' in status.message
    assert 'output at 0.0 Hz, 5 Hz expected' in status.message
    assert capfd.readouterr().err.count('frames unmatched') == 1


def test_a_refiner_whose_images_are_all_too_old_warns_until_one_is_not(graph):
    with refiner(graph, sync_mode='cached', max_age_ms=500.0) as running:
        running.send_for(WATCH_S)
        status = running.status
        assert status.level == DiagnosticStatus.WARN
        assert 'frames too_old: older than max_age_ms = 500' in status.message
        running.node.set_parameters([rclpy.Parameter('max_age_ms', value=0.0)])
        running.send_for(1.0)
        assert 'too_old' not in running.status.message


def test_images_that_nobody_wants_are_no_reason_to_warn(graph):
    with refiner(graph, always_on=False, expected_rate_hz=5.0) as running:
        running.send_for(WATCH_S)
        status = running.status
    assert 'Hz expected' not in status.message
    assert 'frames' not in status.message


def test_a_fusion_whose_color_is_stamped_beside_its_depth_warns(graph):
    with fusion(graph) as running:
        running.send_for(WATCH_S, color_ms=10)
        status = running.status
    assert status.level == DiagnosticStatus.WARN
    assert 'frames unmatched: the stamps of depth, color and camera_info' in status.message


def test_a_fusion_of_frames_without_stamps_warns_and_counts_them(graph, capfd):
    with fusion(graph) as running:
        running.send_for(WATCH_S + 2.0, period_ms=0)
        status = running.status
    values = {item.key: item.value for item in status.values}
    assert values['frames_fused'] == values['frames_out'] == '1'
    assert int(values['dropped_repeated']) > 10
    assert status.level == DiagnosticStatus.WARN
    assert 'frames repeated: the stamp of depth does not change' in status.message
    assert capfd.readouterr().err.count('frames repeated') == 1


def test_a_mismatch_of_qos_is_told_until_messages_come(graph):
    with fusion(graph) as running:
        weak = running.camera.create_publisher(Image, 'depth/image', qos_profile_sensor_data)
        running.spin(1.5)
        running.camera.destroy_publisher(weak)
        assert '/depth/image: a publisher offers less reliability' in running.status.message
        running.send_for(1.0)
        assert 'reliability' not in running.status.message


def test_a_mismatch_of_qos_is_told_until_the_subscriber_has_gone(graph):
    with fusion(graph) as running:
        strict = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        subscription = running.camera.create_subscription(MarkerArray, 'mesh', print, strict)
        running.spin(1.5)
        assert '/mesh: a subscriber asks for more durability' in running.status.message
        running.camera.destroy_subscription(subscription)
        running.spin(1.5)
        assert '/mesh' not in running.status.message


@pytest.mark.parametrize(
    ('kind', 'topics', 'parameters'),
    [
        (RecorderNode, FUSION_TOPICS, {'pose_topic': '/odom'}),
        (TsdfNode, FUSION_TOPICS, {**FUSION, 'pose_file': '/nowhere.txt'}),
        (RefinerNode, REFINER_TOPICS, {**REFINER, 'pose_file': '/nowhere.txt'}),
    ],
)
def test_options_about_poses_without_effect_are_told(
    graph, tmp_path, capfd, kind, topics, parameters
):
    folder = {'folder': tmp_path / 'recording'} if kind is RecorderNode else {}
    with graph(kind, {**parameters, **folder}, topics):
        pass
    name = 'pose_topic' if kind is RecorderNode else 'pose_file'
    source = 'own' if kind is TsdfNode else 'none'
    written = capfd.readouterr().err
    assert written.count(f'has no effect with pose_source = {source}; set pose_source to') == 1
    assert f'{name} = ' in written
