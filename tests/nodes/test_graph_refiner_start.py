# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner's other ways to start: QoS, laziness, overload, transports, profiles, lifecycle."""

from itertools import count

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from tests.nodes.node_graph import Camera, picture
from tests.nodes.wrong_starts import refused_start

pytestmark = pytest.mark.slow
CAMERA = Intrinsics(fx=70.0, fy=72.0, cx=47.0, cy=31.0, width=96, height=64)
SENSOR = {'prior': 'sensor', 'refiner': 'none', 'diagnostics_period_s': 0.2}
MS = 1_000_000


def stamps(probe, topic):
    return [stamp_ns_of(getattr(message, 'header', message)) for message in probe.received[topic]]


def sends(probe, camera, number):
    """Send one frame and wait a little."""
    camera.send(number * 40 * MS)
    probe.watch(0.1)
    return True


def send_until_heard(probe, camera, topic, first=1):
    """Send frames until one is refined; return the next number."""
    numbers = count(first)
    probe.wait(lambda: sends(probe, camera, next(numbers)) and probe.received[topic], topic)
    return next(numbers)


def test_sensor_data_input_takes_both_kinds_of_publisher_and_stays_lazy(probe):
    with probe.run('refiner', {**SENSOR, 'max_age_ms': 0.0}) as refiner:
        best_effort = Camera(probe, CAMERA, reliable=False)
        done, skipped = (
            probe.listen(Header, 'refiner/done'),
            probe.listen(Header, 'refiner/skipped'),
        )
        probe.heard_by(refiner, done, skipped)
        probe.matched(*best_effort.publishers)
        # Nobody listens to a result yet, so no work is done.
        number = send_until_heard(probe, best_effort, 'refiner/skipped')
        status = probe.wait_diagnostics(
            'refiner', lambda seen: int(seen.get('dropped_nobody_listens', 0)) > 0, 'laziness'
        )
        assert status['frames_out'] == '0'
        assert probe.set_parameter('refiner', 'always_on', True).successful
        probe.wait(
            lambda: (
                sends(probe, best_effort, number)
                and int(probe.diagnostics('refiner')['frames_out']) > 0
            ),
            'work without a listener',
        )
        assert probe.set_parameter('refiner', 'always_on', False).successful
        # A best-effort listener gets what a reliable publisher sends.
        depth = probe.listen(Image, 'depth/image', reliable=False)
        probe.heard_by(refiner, depth)
        number = send_until_heard(probe, best_effort, 'depth/image', number + 1)
        for publisher in best_effort.publishers:
            probe.node.destroy_publisher(publisher)
        probe.received['depth/image'].clear()
        reliable = Camera(probe, CAMERA)
        probe.matched(*reliable.publishers)
        send_until_heard(probe, reliable, 'depth/image', number + 1)
        # Nothing works at the age that all stamps of this test have.
        assert probe.set_parameter('refiner', 'max_age_ms', 100.0).successful
        reliable.send(1_000_000 * MS)
        probe.wait_diagnostics('refiner', lambda seen: 'dropped_too_old' in seen, 'old frames')


def test_a_qos_mismatch_is_named(probe):
    with probe.run('refiner', {**SENSOR, 'input_qos': 'reliable'}) as refiner:
        probe.heard_by(refiner, probe.listen(Header, 'refiner/done'))
        camera = Camera(probe, CAMERA, reliable=False)
        status = probe.wait_diagnostics(
            'refiner', lambda seen: 'offers less reliability' in seen['message'], 'a mismatch'
        )
        assert (
            f'qos_overrides.{probe.namespace}/image.subscription.reliability'
            in (status['message'])
        )
        camera.send(40 * MS)
        probe.watch(0.5)
        assert not probe.received['refiner/done']


def test_qos_can_be_overridden(probe):
    override = f'qos_overrides.{probe.namespace}'
    parameters = {**SENSOR, 'input_qos': 'reliable', 'always_on': True}
    parameters |= {
        f'{override}/{topic}.subscription.reliability': 'best_effort'
        for topic in ('image', 'camera_info', 'depth_in')
    }
    with probe.run('refiner', parameters) as refiner:
        probe.heard_by(refiner, probe.listen(Image, 'depth/image'))
        camera = Camera(probe, CAMERA, reliable=False)
        probe.matched(*camera.publishers)
        send_until_heard(probe, camera, 'depth/image')


def test_under_load_the_newest_frame_wins_and_drops_are_counted(probe):
    large = Intrinsics(fx=900.0, fy=900.0, cx=639.5, cy=479.5, width=1280, height=960)
    with probe.run('refiner', {**SENSOR, 'input_qos': 'reliable'}) as refiner:
        camera = Camera(probe, large)
        listening = [
            probe.listen(kind, topic)
            for topic, kind in (
                ('depth/image', Image),
                ('refiner/done', Header),
                ('refiner/skipped', Header),
            )
        ]
        probe.heard_by(refiner, *listening)
        probe.matched(*camera.publishers)
        rgb, depth = picture(1280, 960), np.full((960, 1280), 2.0, np.float32)
        last_ns = 0
        for number in range(1, 41):
            last_ns = number * 10 * MS
            camera.send(last_ns, depth, rgb)
        probe.wait(lambda: last_ns in stamps(probe, 'depth/image'), 'the newest frame')
        done = stamps(probe, 'depth/image')
        assert done == sorted(done)
        assert len(done) < 40
        status = probe.wait_diagnostics(
            'refiner', lambda seen: int(seen['frames_out']) == len(done), 'the counters'
        )
        # On a machine this busy, parts of a frame may also miss each other.
        dropped = sum(int(count) for name, count in status.items() if name.startswith('dropped_'))
        assert int(status.get('dropped_superseded', 0)) > 0
        assert int(status['frames_in']) == len(done) + dropped
        probe.wait(lambda: len(probe.received['refiner/done']) >= len(done) + dropped, 'ends')


def test_compressed_input_and_the_nvblox_profile(probe):
    with probe.run(
        'refiner',
        {**SENSOR, 'input_transport': 'compressed', 'profile': 'nvblox', 'max_range_m': 2.0},
    ) as refiner:
        camera = Camera(probe, CAMERA, compressed=True)
        probe.heard_by(
            refiner,
            probe.listen(Image, 'camera_0/depth/image'),
            probe.listen(CameraInfo, 'camera_0/depth/camera_info'),
        )
        probe.matched(*camera.publishers)
        send_until_heard(probe, camera, 'camera_0/depth/image')
        image = probe.received['camera_0/depth/image'][0]
        depth = np.frombuffer(image.data, np.float32).reshape(64, 96)
        # The user's 2 m win over the profile's range; beyond it nvblox must see nothing.
        assert np.isnan(depth[:, -1]).all()
        assert not np.isinf(depth).any()
        probe.wait(lambda: probe.received['camera_0/depth/camera_info'], 'camera_info')
        info = probe.received['camera_0/depth/camera_info'][0]
        assert info.header.stamp == image.header.stamp


def test_a_lifecycle_manager_may_start_and_stop_it(probe):
    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return probe.call(ChangeState, 'refiner/change_state', request).success

    def state():
        return probe.call(GetState, 'refiner/get_state', GetState.Request()).current_state.label

    with probe.run('refiner', {**SENSOR, 'autostart': False, 'always_on': True}) as refiner:
        assert state() == 'unconfigured'
        assert change(Transition.TRANSITION_CONFIGURE)
        assert state() == 'inactive'
        camera = Camera(probe, CAMERA)
        probe.heard_by(refiner, probe.listen(Image, 'depth/image'))
        for _ in range(2):
            assert change(Transition.TRANSITION_ACTIVATE)
            probe.matched(*camera.publishers)
            probe.received['depth/image'].clear()
            send_until_heard(probe, camera, 'depth/image')
            assert change(Transition.TRANSITION_DEACTIVATE)
            probe.wait(lambda: not camera.image.get_subscription_count(), 'the listener to go')
        assert change(Transition.TRANSITION_CLEANUP)
        assert state() == 'unconfigured'
        assert change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
        assert refiner.stop() == 0


def test_a_wrong_start_is_one_line_and_exit_code_2(probe):
    with probe.run('refiner', {'prior': 'sensr'}, cold=True) as refiner:
        assert refiner.finish() == 2
    assert "prior = 'sensr' must be one of" in refiner.output
    assert len(refiner.lines) == 1


def test_wrong_starts_say_what_is_wrong(probe, capfd, subtests):
    cases = [
        ({'points.strid': 2}, 'unknown option points.strid; did you mean points.stride?'),
        ({'points.stride': 99}, 'points.stride = 99 px is outside 1 .. 32 px'),
        ({'refiner_weights': '/nowhere/at/all'}, '/nowhere/at/all'),
        ({'qos_overrides./image.subscription.depth': 'deep'}, "= 'deep' must be a whole number"),
    ]
    for parameters, complaint in cases:
        with subtests.test(parameters=parameters):
            code, written = refused_start(
                'refiner', {'prior': 'sensor', **parameters}, probe.namespace, capfd
            )
            assert code == 2
            assert complaint in written
            assert 'Traceback' not in written


def test_what_was_seen_before_a_cleanup_is_no_news_after(probe):
    with probe.run(
        'refiner', {**SENSOR, 'always_on': True, 'expected_rate_hz': 100.0, 'scale_lock': 0.5}
    ) as refiner:
        camera = Camera(probe, CAMERA)
        probe.heard_by(refiner, probe.listen(Image, 'depth/image'))
        probe.matched(*camera.publishers)
        send_until_heard(probe, camera, 'depth/image')
        probe.wait_diagnostics(
            'refiner', lambda seen: '100 Hz expected' in seen['message'], 'the low rate'
        )
        for transition, state in (
            (Transition.TRANSITION_DEACTIVATE, 'inactive'),
            (Transition.TRANSITION_CLEANUP, 'unconfigured'),
        ):
            request = ChangeState.Request(transition=Transition(id=transition))
            assert probe.call(ChangeState, 'refiner/change_state', request).success
            seen = probe.wait_diagnostics(
                'refiner', lambda seen, state=state: seen['state'] == state, state
            )
            assert 'expected' not in seen['message']
        assert 'scale_ratio' not in seen


def test_durability_is_an_override_as_the_advice_says(probe):
    topic = f'{probe.namespace}/camera_info'
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    info = probe.node.create_publisher(CameraInfo, 'camera_info', latched)
    image = probe.publisher(Image, 'image')
    info.publish(info_from_intrinsics(header_of(1, 'eye'), CAMERA))
    overrides = {
        f'qos_overrides.{topic}.subscription.reliability': 'reliable',
        f'qos_overrides.{topic}.subscription.durability': 'transient_local',
    }
    with probe.run(
        'refiner', {'refiner': 'none', 'prior': 'bundled', 'max_edge_px': 64, **overrides}
    ) as refiner:
        probe.heard_by(refiner, probe.listen(Image, 'depth/image'))
        probe.matched(image)
        stamp_ns = 10**9

        def heard():
            nonlocal stamp_ns
            stamp_ns += 10**8
            image.publish(image_from_rgb(header_of(stamp_ns, 'eye'), picture(96, 64)))
            probe.watch(0.5)
            return probe.received['depth/image']

        probe.wait(heard, 'depth by a camera model from before the start')


def test_a_rectified_image_may_come_with_the_camera_info_of_the_raw_one(probe):
    with probe.run(
        'refiner', {**SENSOR, 'always_on': True}, {'image': 'camera/image_rect'}
    ) as refiner:
        camera = Camera(probe, CAMERA)
        camera.image = probe.publisher(Image, 'camera/image_rect')
        done = probe.listen(Header, 'refiner/done')
        probe.heard_by(refiner, done)
        probe.matched(*camera.publishers)
        info = info_from_intrinsics(header_of(MS, ''), CAMERA)
        info.d = [0.2, 0.0, 0.0, 0.0, 0.0]
        numbers = count(1)

        def refined():
            camera.send(next(numbers) * 40 * MS, info=info)
            probe.watch(0.1)
            return probe.received['refiner/done']

        probe.wait(refined, 'a refined frame')
        status = probe.wait_diagnostics(
            'refiner', lambda seen: int(seen['frames_out']) > 0, 'a report of it'
        )
        assert 'undistorting' not in refiner.output
        assert not status['last_error']
