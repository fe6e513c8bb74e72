# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The player as a process, on a generated recording: what it sends, its waiting, its end."""

import shutil

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.sources.ros.color import rgb_from_compressed, rgb_from_image
from depth_refiner_ros.sources.ros.depth import depth_from_image
from geometry_msgs.msg import PoseStamped
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from tests.nodes.node_graph import camera_of, NodeProcess, picture, Probe, slope
from tests.nodes.wrong_starts import refused_start

pytestmark = pytest.mark.slow
CAMERA = Intrinsics(fx=70.0, fy=72.0, cx=31.0, cy=23.0, width=64, height=48)
FRAMES = 6
STAMPS = [1_600_000_000_000_000_000 + number * 50_000_000 for number in range(FRAMES)]


@pytest.fixture(scope='module')
def recording(tmp_path_factory):
    folder = tmp_path_factory.mktemp('recording') / 'tum'
    with SequenceWriter(folder, CAMERA) as writer:
        for number, stamp_ns in enumerate(STAMPS):
            writer.add(
                stamp_ns,
                picture(seed=number),
                slope(),
                pose_from_quaternion((0.1 * number, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
            )
    return folder


def listen(probe, image=Image, topic='image'):
    probe.listen(CameraInfo, 'camera_info')
    probe.listen(Image, 'depth_in')
    probe.listen(PoseStamped, 'pose')
    probe.listen(image, topic)


def stamps(probe, topic):
    return [stamp_ns_of(message.header) for message in probe.received[topic]]


def test_a_recording_becomes_topics(probe, recording):
    listen(probe)
    probe.listen(Clock, '/clock')
    parameters = {
        'source': recording,
        'publish_depth': True,
        'publish_clock': True,
        'rate_hz': 50.0,
        'camera_frame': 'eye',
        'frame_prefix': 'robot/',
    }
    with probe.run('player', parameters) as player:
        probe.wait(lambda: len(probe.received['image']) == FRAMES, 'all frames')
        assert player.finish() == 0, player.output
    assert f'sent {FRAMES} frames' in player.output
    probe.wait(
        lambda: all(len(messages) == FRAMES for messages in probe.received.values()),
        'all messages',
    )
    for topic in ('image', 'camera_info', 'depth_in', 'pose'):
        assert stamps(probe, topic) == STAMPS, topic
    clock = [stamp_ns_of(Header(stamp=message.clock)) for message in probe.received['/clock']]
    assert clock == STAMPS
    for number in range(FRAMES):
        image = probe.received['image'][number]
        np.testing.assert_array_equal(rgb_from_image(image), picture(seed=number))
        assert image.header.frame_id == 'robot/eye'
        assert camera_of(probe.received['camera_info'][number]) == CAMERA
        np.testing.assert_allclose(
            depth_from_image(probe.received['depth_in'][number]), slope(), atol=1.1e-4
        )
        pose = probe.received['pose'][number]
        assert pose.header.frame_id == 'robot/map'
        assert pose.pose.position.x == pytest.approx(0.1 * number)


def test_a_frame_that_cannot_be_read_is_named_and_passed_over(probe, recording, tmp_path):
    folder = shutil.copytree(recording, tmp_path / 'broken')
    broken = sorted((folder / 'rgb').iterdir())[2]
    broken.write_bytes(broken.read_bytes()[:100])
    listen(probe)
    with probe.run('player', {'source': folder, 'rate_hz': 50.0}) as player:
        probe.wait(lambda: len(probe.received['image']) == FRAMES - 1, 'the other frames')
        assert player.finish() == 0, player.output
    assert stamps(probe, 'image') == [*STAMPS[:2], *STAMPS[3:]]
    assert f'{broken} (100 bytes) is cut short' in player.output
    assert f'sent {FRAMES - 1} frames' in player.output
    assert '1 lost (1 unreadable image)' in player.output


@pytest.mark.parametrize(
    ('prior', 'ending'),
    [
        ('sensor', f'sent {FRAMES - 1} frames of gap, 1 lost (1 no depth)'),
        ('bundled', f'sent {FRAMES} frames of gap'),
    ],
)
def test_in_lock_step_a_frame_without_the_depth_that_the_refiner_needs_is_lost(
    probe, recording, tmp_path, prior, ending
):
    folder = shutil.copytree(recording, tmp_path / 'gap')
    lines = (folder / 'depth.txt').read_text().splitlines(keepends=True)
    (folder / 'depth.txt').write_text(''.join(lines[:-2] + lines[-1:]))
    networks = {'prior': prior, 'refiner': 'none', 'always_on': True}
    queue = {'input_qos': 'reliable', 'keep_every_frame': True}
    lock_step = {'lock_step': 'refiner', 'lock_step_timeout_s': 20.0, 'publish_depth': True}
    probe.listen(Image, 'depth_in')
    with (
        probe.run('refiner', {**networks, **queue}),
        probe.run('player', {'source': folder, **lock_step}) as player,
    ):
        assert player.finish() == 0, player.output
    assert player.output.endswith(ending)
    assert ('which the refiner starts from; the nearest depth is' in player.output) == (
        prior == 'sensor'
    )


def test_lock_step_waits_for_each_end_and_gives_up_in_time(probe, recording):
    listen(probe)
    done = probe.publisher(Header, 'refiner/done')
    parameters = {'source': recording, 'lock_step': 'refiner', 'lock_step_timeout_s': 1.0}
    with probe.run('player', parameters) as player:
        for number in range(FRAMES - 1):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            probe.watch(0.1)
            assert len(probe.received['image']) == number + 1
            done.publish(header_of(STAMPS[number], ''))
        assert player.finish() == 1, player.output
    assert f'sent {FRAMES} frames' in player.output
    assert '1 given up' in player.output
    assert f'frame {FRAMES} given up: refiner did not finish it within 1 s' in player.output


def test_lock_step_waits_for_a_stage_that_is_slow_to_start_and_names_it(probe, recording):
    probe.listen(CameraInfo, 'camera_info')
    done = probe.publisher(Header, 'refiner/done')
    parameters = {'source': recording, 'lock_step': 'refiner', 'wait_for_subscribers_s': 4.0}
    with probe.run('player', parameters) as player:
        probe.wait(lambda: 'waiting: ' in player.output, 'the name of who is late')
        assert player.process.poll() is None, player.output
        assert f'waiting: nobody listens to {probe.namespace}/image' in player.output
        probe.listen(Image, 'image')
        for number, stamp_ns in enumerate(STAMPS):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            done.publish(header_of(stamp_ns, ''))
        assert player.finish() == 0, player.output


def test_lock_step_names_the_stage_that_is_late_and_fails_where_it_has_left(probe, recording):
    listen(probe)
    refiner = probe.publisher(Header, 'refiner/done')
    parameters = {'source': recording, 'lock_step': 'tsdf', 'lock_step_timeout_s': 6.0}
    with NamedListener('tsdf', probe.namespace) as tsdf, probe.run('player', parameters) as player:
        tsdf.publish_done()
        probe.wait(lambda: probe.received['image'], 'the first frame')
        refiner.publish(header_of(STAMPS[0], ''))
        probe.wait(lambda: 'waiting for' in player.output, 'the name of who is late')
        tsdf.leave()
        assert player.finish() == 2, player.output
    assert 'waiting for tsdf to finish frame 1' in player.output
    assert 'tsdf has left the graph before it finished frame 1' in player.output


def test_a_waiting_player_ends_at_once_when_told_to(probe, recording):
    listen(probe)
    probe.publisher(Header, 'refiner/done')
    parameters = {'source': recording, 'lock_step': 'refiner', 'lock_step_timeout_s': 3600.0}
    with probe.run('player', parameters) as player:
        probe.wait(lambda: probe.received['image'], 'the first frame')
        assert player.stop() == 0
    assert 'sent 1 frame ' in player.output
    assert 'given up' not in player.output


def test_fusion_does_not_end_what_the_refiner_skips(probe, recording):
    listen(probe)
    done = probe.publisher(Header, 'tsdf/done')
    skipped = probe.publisher(Header, 'refiner/skipped')
    # Fusion is there once a node of its name listens to depth.
    with (
        NamedListener('tsdf', probe.namespace),
        probe.run('player', {'source': recording, 'lock_step': 'tsdf'}) as player,
    ):
        for number, stamp_ns in enumerate(STAMPS):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            (skipped if number else done).publish(header_of(stamp_ns, ''))
        assert player.finish() == 0, player.output
    assert f'sent {FRAMES} frames' in player.output
    assert f'{FRAMES - 1} without output' in player.output


def test_the_first_frame_is_sent_until_the_graph_has_found_itself(probe, recording):
    listen(probe)
    done, skipped = (probe.publisher(Header, f'refiner/{topic}') for topic in ('done', 'skipped'))
    with probe.run('player', {'source': recording, 'lock_step': 'refiner'}) as player:
        for number in range(2):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            done.publish(header_of(STAMPS[0], ''))
            skipped.publish(header_of(STAMPS[0], ''))
        for number, stamp_ns in enumerate(STAMPS, start=2):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            done.publish(header_of(stamp_ns, ''))
        assert player.finish() == 0, player.output
    assert stamps(probe, 'image') == [STAMPS[0], STAMPS[0], *STAMPS]
    assert player.output.endswith(f'sent {FRAMES} frames of {recording.name}')


class NamedListener:
    """A node of a given name that listens to depth."""

    def __init__(self, name, namespace):
        self._probe = Probe(name, namespace)

    def __enter__(self):
        self._probe.listen(Image, 'depth/image')
        return self

    def publish_done(self):
        self._probe.publisher(Header, 'tsdf/done')

    def leave(self):
        if self._probe is not None:
            self._probe.__exit__()
        self._probe = None

    def __exit__(self, *_):
        self.leave()


def test_compressed_restamped_and_looped(probe, recording):
    probe.listen(CompressedImage, 'image/compressed')
    probe.listen(CameraInfo, 'camera_info')
    parameters = {
        'source': recording,
        'compressed': True,
        'restamp': True,
        'loop': True,
        'rate_hz': 100.0,
    }
    with probe.run('player', parameters) as player:
        probe.wait(lambda: len(probe.received['image/compressed']) > 2 * FRAMES, 'a second round')
        assert player.stop() == 0, player.output
    seen = stamps(probe, 'image/compressed')
    assert seen == sorted(seen)
    assert seen[0] > STAMPS[-1]
    assert rgb_from_compressed(probe.received['image/compressed'][0]).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ('first_ns', 'waiting'), [(STAMPS[1] - 6 * 10**9, 'waiting 6 s'), (10**9, 'waiting 60 s')]
)
def test_a_long_wait_for_the_next_frame_is_told_and_bounded(probe, tmp_path, first_ns, waiting):
    """One first frame has next to no stamp: at its pace, the next one is due in 50 years."""
    with SequenceWriter(tmp_path / 'tum', CAMERA) as writer:
        for stamp_ns in (first_ns, *STAMPS[1:3]):
            writer.add(stamp_ns, picture(), slope())
    parameters = {'source': tmp_path / 'tum', 'wait_for_subscribers_s': 0.1, 'rate_hz': 0.0}
    with probe.run('player', parameters) as player:
        line = f's after the frame before; {waiting}'
        probe.wait(lambda: line in player.output, 'the line', 30.0)
        if first_ns > 10**9:
            assert player.finish() == 0, player.output
            assert 'sent 3 frames' in player.output


def test_without_listeners_it_waits_then_plays_all_the_same(probe, recording):
    parameters = {'source': recording, 'wait_for_subscribers_s': 0.5, 'rate_hz': 0.0}
    with probe.run('player', parameters) as player:
        assert player.finish() == 0, player.output
    assert f'nobody listens to {probe.namespace}/image' in player.output
    assert 'playing anyway' in player.output


def test_a_wrong_start_is_one_line_and_exit_code_2(probe):
    with probe.run('player', {'source': '/nowhere'}, cold=True) as player:
        assert isinstance(player, NodeProcess)
        assert player.finish() == 2, player.output
    assert "'/nowhere' does not exist" in player.output
    assert len(player.lines) == 1


def test_wrong_starts_say_what_is_wrong(probe, recording, capfd, subtests):
    alone = {'source': recording, 'lock_step': 'refiner', 'wait_for_subscribers_s': 0.2}
    cases = [
        ({'source': 'sim:x'}, 'sim:SEED'),
        ({'rate_hz': -1.0}, 'rate_hz = -1.0 Hz is outside'),
        (alone, 'lock-step: refiner not in the graph; start it, or set lock_step:=off'),
    ]
    for parameters, complaint in cases:
        with subtests.test(complaint):
            code, written = refused_start('player', parameters, probe.namespace, capfd)
            assert code == 2
            assert complaint in written
            assert 'Traceback' not in written


def test_lock_step_waits_in_the_second_round_too(probe, recording):
    listen(probe)
    done = probe.publisher(Header, 'refiner/done')
    parameters = {'source': recording, 'lock_step': 'refiner', 'loop': True}
    with probe.run('player', parameters) as player:
        for number, stamp_ns in enumerate([*STAMPS, *STAMPS[:3]]):
            probe.wait(lambda number=number: len(probe.received['image']) > number, 'a frame')
            probe.watch(0.2)
            assert len(probe.received['image']) == number + 1
            done.publish(header_of(stamp_ns, ''))
        assert player.stop() == 0, player.output


def test_a_loop_without_a_usable_frame_ends(probe, recording, tmp_path):
    broken = tmp_path / 'broken'
    shutil.copytree(recording, broken)
    for image in (broken / 'rgb').iterdir():
        image.write_bytes(b'no image')
    with probe.run('player', {'source': broken, 'loop': True}) as player:
        assert player.finish() == 2, player.output
    assert 'has no frame that can be used, so it is not played again' in player.output
