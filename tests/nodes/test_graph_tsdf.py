# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fusion as a process: poses, services, and what happens to the mesh at the end."""

import fcntl
import importlib.util
import os
from pathlib import Path
import resource
import shutil
import signal
import sys
import termios

from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.depth import image_from_depth
from depth_refiner_ros.nodes.conversions.headers import header_of
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import Odometry
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from tests.nodes.node_graph import Probe
from tests.nodes.wall_scene import assert_wall, CAMERA, FRAME, MS, PARAMETERS, Scene
from tests.nodes.wrong_starts import refused_start

pytestmark = pytest.mark.slow


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


def test_frames_become_a_mesh(empty, mesh_file):
    sent = [empty.send() for _ in range(6)]
    assert not set(sent) & set(empty.stamps('tsdf/skipped'))
    answer = empty.call('save')
    assert answer.success, answer.message
    assert answer.message.startswith(str(mesh_file))
    assert 'of 6 frames' in answer.message
    assert_wall(read_ply(mesh_file))


def test_a_frame_that_is_sent_again_ends_again_but_is_not_skipped(empty):
    """As a player in lock-step sends a frame whose end it has not heard of."""
    stamp_ns = empty.send()
    empty.probe.received['tsdf/done'].clear()
    empty.stamp_ns -= 100 * MS
    assert empty.send() == stamp_ns
    empty.status(lambda seen: seen.get('dropped_repeated') == '1', 'the counter')
    assert stamp_ns not in empty.stamps('tsdf/skipped')
    assert 'of 1 frame' in empty.call('save').message


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
    left = {path.name for path in mesh_file.parent.iterdir()}
    assert left == {mesh_file.name, f'.{mesh_file.name}.frames'}, 'no half of a file'
    empty.send()
    assert empty.call('save').success


def test_time_may_jump_back(empty):
    empty.send()
    empty.stamp_ns = 0
    sent = [empty.send(wait=False) for _ in range(3)]
    empty.wait_for('tsdf/done', sent[-1])
    assert sent[-1] not in empty.stamps('tsdf/skipped')
    assert empty.call('save').success


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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
    assert '3 frames in, 3 out, lost: none' in tsdf.output
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


def test_wrong_starts_say_what_is_wrong(probe, capfd, subtests, tmp_path):
    volume = TsdfVolume(0.05)
    volume.integrate(np.full((60, 80), 2.0, np.float32), None, CAMERA, np.eye(4))
    kept = tmp_path / 'map.safetensors'
    volume.write(kept)
    cases = [
        ({'volume_file': kept, 'pose_source': 'pose'}, 'has voxel_m = 0.05, not 0.02'),
        (
            {'volume_file': kept, 'pose_source': 'own', 'voxel_m': 0.05},
            'has its own origin, which poses that are tracked',
        ),
        ({'pose_source': 'file', 'pose_file': '/nowhere.txt'}, '/nowhere.txt'),
        ({'pose_source': 'odom', 'body_from_camera': '"1 2 3"'}, 'must be x y z qx qy qz qw'),
        ({'pose_source': 'odom', 'body_from_camera': '"0 0 0 0 0 0 2"'}, 'has length 2, not 1'),
        ({'pose_source': 'pose', 'min_range_m': 3.0, 'max_range_m': 2.0}, 'must be below'),
    ]
    cases.append(({'mesh_file': kept / 'mesh.ply', 'pose_source': 'pose'}, f'{kept} is no folder'))
    held = tmp_path / 'held.safetensors'
    cases.append(({'volume_file': held, 'pose_source': 'pose'}, 'is being written by process'))
    for parameters, complaint in cases:
        with subtests.test(complaint), locked_file(held):
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


def block(folder: Path) -> None:
    """Put a file where a folder was or is to be made."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text('in the way')


def test_a_failed_save_at_the_end_is_told(probe, tmp_path):
    blocked = tmp_path / 'file'
    parameters = {**PARAMETERS, 'mesh_file': blocked / 'mesh.ply'}
    with probe.run('tsdf', parameters) as tsdf:
        scene = Scene(probe, tsdf)
        block(blocked)
        scene.send()
        assert tsdf.stop() == 0
    assert f'cannot make the folder {blocked}' in tsdf.output


def test_the_volume_is_kept_where_the_mesh_cannot_be(probe, tmp_path):
    kept = tmp_path / 'map.safetensors'
    files = {'mesh_file': tmp_path / 'file/mesh.ply', 'volume_file': kept}
    with probe.run('tsdf', {**PARAMETERS, **files}) as tsdf:
        scene = Scene(probe, tsdf)
        block(tmp_path / 'file')
        scene.send()
        assert tsdf.stop() == 0
    assert f'the volume of 1 frame is kept in {kept}' in tsdf.output
    volume = TsdfVolume(PARAMETERS['voxel_m'])
    volume.read(kept)
    assert volume.frames == 1


def test_what_is_fused_after_a_reset_during_a_save_is_saved_too(probe, tmp_path):
    """A pipe that nobody reads holds the autosave of three frames up until the map is emptied."""
    mesh_file = tmp_path / 'mesh.ply'
    os.mkfifo(mesh_file)
    reader = os.open(mesh_file, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    parameters = {**PARAMETERS, 'mesh_file': mesh_file}
    with os.fdopen(reader, 'rb') as pipe, probe.run('tsdf', parameters) as tsdf:
        scene = Scene(probe, tsdf)
        for _ in range(3):
            scene.send()
        assert probe.set_parameter('tsdf', 'autosave_period_s', 0.1).successful
        probe.wait(lambda: waiting_bytes(pipe) > 0, 'a save that waits for the pipe')
        assert scene.call('reset').success
        mesh_file.rename(tmp_path / 'pipe')
        os.set_blocking(reader, True)
        assert pipe.read()
        scene.send()
        assert tsdf.stop() == 0, tsdf.output
    assert_wall(read_ply(mesh_file))


def waiting_bytes(pipe):
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


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


def test_a_bad_pose_is_no_warning_any_more_once_poses_are_good(empty):
    empty.stamp_ns = 10**12
    empty.send_pose(empty.stamp_ns, frame_id='elsewhere')
    empty.status(lambda seen: 'elsewhere' in seen['message'], 'the warning')
    empty.send()
    empty.status(lambda seen: 'elsewhere' not in seen['message'], 'the warning to go')
