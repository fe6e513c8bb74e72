# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fusion as a process: poses, services, and what happens to the mesh at the end."""

import importlib.util
from pathlib import Path
import resource
import signal

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from geometry_msgs.msg import PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import Odometry
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Float32, Header
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from tests.nodes.node_graph import Probe
from tests.nodes.wrong_starts import refused_start

pytestmark = pytest.mark.slow
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


@pytest.fixture(scope='module')
def mesh_file(tmp_path_factory):
    return tmp_path_factory.mktemp('meshes') / 'mesh.ply'


@pytest.fixture(scope='module')
def scene(mesh_file):
    parameters = {**PARAMETERS, 'mesh_file': mesh_file}
    with Probe() as probe, probe.run('tsdf', parameters) as tsdf:
        yield Scene(probe, tsdf)
        assert tsdf.stop() == 0, tsdf.output


@pytest.fixture
def empty(scene):
    """Return the scene with nothing fused yet."""
    assert scene.call('reset').success
    return scene


def assert_wall(mesh):
    vertices = mesh.vertices_m_N3
    assert np.abs(vertices[:, 2] - 2.0).max() < 0.005
    # 80 pixels at f = 80 see 2 m of a wall at 2 m.
    assert 1.8 < np.ptp(vertices[:, 0]) < 2.05
    np.testing.assert_allclose(np.median(mesh.colors_N3, axis=0), (200, 100, 50), atol=2)


def test_frames_become_a_mesh(empty, mesh_file):
    sent = [empty.send() for _ in range(6)]
    assert not set(sent) & set(empty.stamps('tsdf/skipped'))
    answer = empty.call('save')
    assert answer.success, answer.message
    assert answer.message.startswith(str(mesh_file))
    assert 'of 6 frames' in answer.message
    assert_wall(read_ply(mesh_file))


def test_reset_forgets(empty):
    empty.send()
    answer = empty.call('reset')
    assert (answer.success, answer.message) == (True, 'forgot 1 frame')
    answer = empty.call('save')
    assert (answer.success, answer.message) == (False, 'nothing was fused yet')


def test_a_pose_may_come_after_its_frame(empty):
    stamp_ns = empty.send(pose=False, wait=False)
    empty.probe.watch(0.2)
    assert stamp_ns not in empty.stamps('tsdf/done')
    empty.send_pose(stamp_ns)
    empty.wait_for('tsdf/done', stamp_ns)
    assert stamp_ns not in empty.stamps('tsdf/skipped')


def test_a_frame_without_pose_is_counted(empty):
    assert empty.probe.set_parameter('tsdf', 'pose_wait_ms', 50.0).successful
    empty.wait_for('tsdf/skipped', empty.send(pose=False))
    empty.status(lambda seen: int(seen.get('dropped_no_pose', 0)) >= 1, 'the counter')
    assert empty.probe.set_parameter('tsdf', 'pose_wait_ms', 1500.0).successful


def test_poses_in_another_unit_are_told_once(empty):
    for x_m in (0.0, 30.0, 0.0):
        empty.send(x_m=x_m)
    empty.probe.wait(lambda: 'faster than 180 km/h' in empty.tsdf.output, 'the line')
    assert empty.tsdf.output.count('the camera has moved 30 m in 100 ms') == 1


def test_poses_of_another_frame_are_told(empty):
    empty.send_pose(empty.stamp_ns + 1, frame_id='odom')
    empty.status(lambda seen: 'set map_frame:=odom' in seen['message'], 'the advice')


def test_low_confidence_is_left_out(empty):
    for _ in range(3):
        empty.send(confidence=0.1)
    answer = empty.call('save')
    assert not answer.success
    assert 'the volume is empty after 3 frames' in answer.message


def test_a_frame_is_brought_to_the_scale_of_those_before_it(empty):
    empty.probe.listen(Float32, 'scale')
    empty.probe.wait(lambda: empty.probe.node.count_publishers('scale') > 0, 'scale')
    for depth_m in (2.0, 2.0, 2.12):
        empty.send(depth_m=depth_m)
    heard = empty.probe.received['scale']
    empty.probe.wait(lambda: len(heard) >= 3, 'three factors')
    # The consensus of 0, 0 and 6 % is 2 %.
    assert heard[-1].data == pytest.approx(1.02 / 1.06, abs=0.003)
    empty.status(lambda seen: seen.get('scale_factor') == f'{heard[-1].data:.4f}', 'the factor')


def test_a_frame_of_another_size_is_refused_and_the_next_fused(empty):
    header = header_of(empty.stamp_ns + 100 * MS, FRAME)
    empty.stamp_ns += 100 * MS
    empty.send_pose(empty.stamp_ns)
    empty.info.publish(info_from_intrinsics(header, CAMERA))
    empty.color.publish(image_from_rgb(header, np.zeros((60, 80, 3), np.uint8)))
    empty.confidence.publish(image_from_depth(header, np.ones((60, 80), np.float32)))
    empty.depth.publish(image_from_depth(header, np.ones((30, 40), np.float32)))
    empty.wait_for('tsdf/skipped', empty.stamp_ns)
    empty.status(lambda seen: 'camera_info describes 80x60' in seen['last_error'], 'the reason')
    empty.send()
    assert empty.call('save').success


def test_the_mesh_is_shown(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(3):
        empty.send()
    markers = shown_in(empty.probe)
    empty.probe.wait(lambda: markers(), 'a marker')
    for marker in markers().values():
        assert marker.header.frame_id == 'map'
        assert marker.type == Marker.TRIANGLE_LIST
        assert len(marker.points) == len(marker.colors) > 100
        assert len(marker.points) % 3 == 0
        assert all(abs(point.z - 2.0) < 0.005 for point in marker.points)
    # The wall of 2.0 x 1.5 m lies in four cells around the optical axis.
    assert len(markers()) == 4


def shown_in(probe):
    """Return a function that returns what a display shows now, by number."""

    def shown():
        markers = {}
        for array in probe.received['mesh']:
            for marker in array.markers:
                if marker.action == Marker.DELETEALL:
                    markers.clear()
                elif marker.action == Marker.DELETE:
                    del markers[marker.id]
                else:
                    markers[marker.id] = marker
        return markers

    return shown


def test_late_subscribers_get_the_mesh_and_a_reset_removes_it(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(4):
        empty.send()
    early = shown_in(empty.probe)
    empty.probe.wait(lambda: len(early()) == 4, 'four markers')
    with Probe('late', empty.probe.namespace) as late:
        late.listen(MarkerArray, 'mesh')
        shown = shown_in(late)
        late.wait(lambda: len(shown()) == 4, 'the markers from before')
        assert empty.call('reset').success
        late.wait(lambda: not shown(), 'the deletion')


def test_only_what_changed_is_sent_again(empty):
    empty.probe.listen(MarkerArray, 'mesh')
    for _ in range(2):
        empty.send()
    markers = shown_in(empty.probe)
    empty.probe.wait(lambda: len(markers()) == 4, 'four markers')
    empty.probe.watch(0.5)
    empty.probe.received['mesh'].clear()
    empty.send(x_m=4.0)  # another part of the wall, 2 m away from the first
    empty.probe.wait(lambda: markers(), 'a marker')
    empty.probe.watch(0.5)
    points_m = [point.x for marker in markers().values() for point in marker.points]
    assert min(points_m) > 2.0


def test_a_full_disk_fails_the_save_and_nothing_else(empty, mesh_file):
    for _ in range(2):
        empty.send()
    assert empty.call('save').success
    before = mesh_file.read_bytes()
    process = empty.tsdf.process.pid
    unlimited = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (1000, unlimited[1]))
    answer = empty.call('save')
    resource.prlimit(process, resource.RLIMIT_FSIZE, unlimited)
    assert not answer.success
    assert f'cannot write {mesh_file}' in answer.message
    assert mesh_file.read_bytes() == before
    assert [path.name for path in mesh_file.parent.iterdir()] == [mesh_file.name]
    empty.send()
    assert empty.call('save').success


def test_time_may_jump_back(empty):
    empty.send()
    empty.stamp_ns = 0
    sent = [empty.send(wait=False) for _ in range(3)]
    empty.wait_for('tsdf/done', sent[-1])
    assert sent[-1] not in empty.stamps('tsdf/skipped')
    assert empty.call('save').success


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_mesh_is_saved_at_the_end(probe, tmp_path, number):
    """Odometry of the robot's body can be used, too, once the camera's pose on it is known."""
    parameters = {
        **PARAMETERS,
        'pose_source': 'odom',
        'map_frame': 'odom',
        'body_from_camera': '"0 0 1 0 0 0 1"',
        'use_confidence': False,
    }
    with probe.run('tsdf', parameters, folder=tmp_path) as tsdf:
        scene = OdomScene(probe, tsdf)
        for _ in range(3):
            scene.send()
        assert tsdf.stop(number) == 0, tsdf.output
    assert 'Traceback' not in tsdf.output
    mesh = read_ply(tmp_path / 'mesh.ply')
    assert np.abs(mesh.vertices_m_N3[:, 2] - 3.0).max() < 0.005


class OdomScene(Scene):
    """The same wall, the camera 1 m ahead of the body that odometry follows."""

    def __init__(self, probe, tsdf):
        self.probe, self.tsdf, self.stamp_ns = probe, tsdf, 0
        self.pose = probe.publisher(Odometry, 'odom')
        self.info = probe.publisher(CameraInfo, 'depth/camera_info')
        self.color = probe.publisher(Image, 'color/image')
        self.confidence = probe.publisher(Image, 'depth/confidence')
        self.depth = probe.publisher(Image, 'depth/image')
        probe.heard_by(tsdf, probe.listen(Header, 'tsdf/done'))
        probe.matched(self.pose, self.info, self.color, self.depth)

    def send_pose(self, stamp_ns, x_m=0.0, frame_id='odom'):
        self.pose.publish(
            Odometry(header=header_of(stamp_ns, frame_id), child_frame_id='base_link')
        )


def test_a_wrong_start_is_one_line_and_exit_code_2(probe):
    with probe.run('tsdf', {'pose_source': 'file'}, cold=True) as tsdf:
        assert tsdf.finish() == 2
    assert 'pose_source = file needs pose_file' in tsdf.output
    assert 'Traceback' not in tsdf.output


def test_wrong_starts_say_what_is_wrong(probe, capfd, subtests):
    cases = [
        ({'pose_source': 'file', 'pose_file': '/nowhere.txt'}, '/nowhere.txt'),
        ({'pose_source': 'odom', 'body_from_camera': '"1 2 3"'}, 'must be x y z qx qy qz qw'),
        ({'pose_source': 'odom', 'body_from_camera': '"0 0 0 0 0 0 2"'}, 'has length 2, not 1'),
        ({'pose_source': 'pose', 'min_range_m': 3.0, 'max_range_m': 2.0}, 'must be below'),
    ]
    for parameters, complaint in cases:
        with subtests.test(complaint):
            code, written = refused_start('tsdf', parameters, probe.namespace, capfd)
            assert code == 2
            assert complaint in written
            assert 'Traceback' not in written


@pytest.mark.skipif(importlib.util.find_spec('tf2_msgs') is not None, reason='tf2_msgs is there')
def test_without_transform_messages_the_advice_names_the_package(probe, capfd):
    code, written = refused_start('tsdf', {'pose_source': 'tf'}, probe.namespace, capfd)
    assert code == 2
    assert 'ros-<distro>-tf2-msgs' in written
    assert 'set pose_source to pose, odom or file' in written


def test_a_failed_save_at_the_end_is_told(probe, tmp_path):
    blocked = tmp_path / 'file'
    blocked.write_text('in the way')
    parameters = {**PARAMETERS, 'mesh_file': blocked / 'mesh.ply'}
    with probe.run('tsdf', parameters) as tsdf:
        scene = Scene(probe, tsdf)
        scene.send()
        assert tsdf.stop() == 0
    assert f'cannot make the folder {blocked}' in tsdf.output
    assert isinstance(blocked, Path)


def test_what_is_fused_after_a_cleanup_is_saved_too(probe, tmp_path):
    """The second volume has fewer frames than the first had when it was saved."""
    parameters = {**PARAMETERS, 'mesh_file': tmp_path / 'mesh.ply'}
    with probe.run('tsdf', parameters) as tsdf:
        scene = Scene(probe, tsdf)
        sent = [scene.send() for _ in range(3)]
        for transition in (
            Transition.TRANSITION_DEACTIVATE,
            Transition.TRANSITION_CLEANUP,
            Transition.TRANSITION_CONFIGURE,
            Transition.TRANSITION_ACTIVATE,
        ):
            assert probe.call(
                ChangeState,
                'tsdf/change_state',
                ChangeState.Request(transition=Transition(id=transition)),
            ).success
            if transition == Transition.TRANSITION_CLEANUP:
                (tmp_path / 'mesh.ply').unlink()
                scene.status(
                    lambda seen: seen['state'] == 'unconfigured' and 'frames_fused' not in seen,
                    'no word of what is gone',
                )
        probe.matched(scene.pose, scene.info, scene.color, scene.confidence, scene.depth)
        probe.received['tsdf/done'].clear()
        scene.stamp_ns = sent[-2]  # the frame that was fused last comes first
        scene.send()
        assert tsdf.stop() == 0, tsdf.output
    assert_wall(read_ply(tmp_path / 'mesh.ply'))


def test_a_kept_volume_goes_on_at_the_next_start(probe, tmp_path):
    parameters = {
        **PARAMETERS,
        'mesh_file': tmp_path / 'mesh.ply',
        'volume_file': tmp_path / 'map.safetensors',
        'save_at_shutdown': False,
    }
    for frames in (3, 1):
        with probe.run('tsdf', parameters) as tsdf:
            scene = Scene(probe, tsdf)
            scene.stamp_ns = frames * 1000 * MS
            for _ in range(frames):
                scene.send()
            assert scene.call('save').success, tsdf.output
            assert tsdf.stop() == 0, tsdf.output
        probe.received['tsdf/done'].clear()
    assert 'goes on after 3 frames' in tsdf.output
    volume = TsdfVolume(PARAMETERS['voxel_m'])
    volume.read(tmp_path / 'map.safetensors')
    assert volume.frames == 4
    assert_wall(volume.mesh(min_weight=4))


def test_a_bad_pose_is_no_warning_any_more_once_poses_are_good(empty):
    empty.stamp_ns = 10**12
    empty.send_pose(empty.stamp_ns, frame_id='elsewhere')
    empty.status(lambda seen: 'elsewhere' in seen['message'], 'the warning')
    empty.send()
    empty.status(lambda seen: 'elsewhere' not in seen['message'], 'the warning to go')
