# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several cameras with one set of networks in one process: each as if it were alone."""

from contextlib import ExitStack
import signal

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
import numpy as np
import pytest
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from tests.nodes.node_graph import Camera, NodeProcess, picture, Probe, slope

pytestmark = pytest.mark.slow
FRONT = Intrinsics(fx=70.0, fy=72.0, cx=47.0, cy=31.0, width=96, height=64)
REAR = Intrinsics(fx=50.0, fy=50.0, cx=48.0, cy=32.0, width=96, height=64)
CAMERAS = {'front': FRONT, 'rear': REAR}
MS = 1_000_000
FRAMES = 5
SEVERAL = ('--', '--cameras', 'front,rear', '--ros-args')
SENSOR = {
    'prior': 'sensor',
    'refiner': 'none',
    'input_qos': 'reliable',
    'batch_cameras': 'always',
    'diagnostics_period_s': 0.2,
    'always_on': True,
}
BUNDLED = {
    'backend': 'torch',
    'precision': 'fp32',
    'threads': 1,
    'input_qos': 'reliable',
    'keep_every_frame': True,
    'batch_cameras': 'always',
}


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp('recordings')
    for seed, (name, camera) in enumerate(CAMERAS.items()):
        with SequenceWriter(folder / name, camera) as writer:
            for number in range(FRAMES):
                rgb = picture(96, 64, 100 * seed + number)
                writer.add((20 + number) * 50 * MS, rgb, slope(96, 64), np.eye(4))
    return folder


def floats(image):
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


def played(probe, recordings, names, namespace, words=()):
    """Return the depth of each camera by stamp, refined by one process in a namespace."""
    for name in names:
        probe.listen(Image, f'{name}/depth/image')
    refining = NodeProcess('refiner', namespace, BUNDLED, words=words)
    with refining as refiner, ExitStack() as stack:
        players = [
            stack.enter_context(
                NodeProcess(
                    'player',
                    f'{probe.namespace}/{name}',
                    {'source': recordings / name, 'lock_step': 'refiner'},
                )
            )
            for name in names
        ]
        for player in players:
            assert player.finish() == 0, player.output
        topics = [f'{name}/depth/image' for name in names]
        probe.wait(lambda: all(len(probe.received[topic]) == FRAMES for topic in topics), 'all')
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output
    assert refiner.output.count('prior metric-small') == 1, 'networks are loaded once'
    return {
        name: {
            stamp_ns_of(image.header): floats(image)
            for image in probe.received[f'{name}/depth/image']
        }
        for name in names
    }


def test_two_players_get_the_depth_that_each_gets_alone(probe, recordings):
    both = played(probe, recordings, list(CAMERAS), probe.namespace, SEVERAL)
    for name in CAMERAS:
        with Probe() as own:
            alone = played(own, recordings, [name], f'{own.namespace}/{name}')[name]
        assert list(both[name]) == list(alone)
        for stamp_ns, depth_m_HW in alone.items():
            np.testing.assert_allclose(both[name][stamp_ns], depth_m_HW, rtol=1e-4)
    first, second = (next(iter(depths.values())) for depths in both.values())
    assert not np.allclose(first, second, rtol=0.01)


class Pair:
    """One process for two cameras, and what a test sends and hears."""

    def __init__(self, probe):
        self.probe = probe
        self.cameras = {name: Camera(probe, CAMERAS[name], prefix=f'{name}/') for name in CAMERAS}
        self.heard = [probe.listen(Header, f'{name}/refiner/done') for name in CAMERAS]
        self.heard += [probe.listen(Image, f'{name}/depth/image') for name in CAMERAS]
        self.stamp_ns = 0

    def send(self, *names, **parts):
        """Send a frame of each named camera, and wait until all are finished."""
        self.stamp_ns += 40 * MS
        for name in names:
            self.cameras[name].send(self.stamp_ns, **parts.get(name, {}))
        for name in names:
            self.probe.wait(
                lambda name=name: self.stamp_ns in self.stamps(f'{name}/refiner/done'),
                f'the end of {name} {self.stamp_ns}',
            )
        return self.stamp_ns

    def stamps(self, topic):
        return [
            stamp_ns_of(getattr(message, 'header', message))
            for message in self.probe.received[topic]
        ]

    def depth(self, name, stamp_ns):
        topic = f'{name}/depth/image'
        self.probe.wait(lambda: stamp_ns in self.stamps(topic), f'depth of {name}')
        return floats(self.probe.received[topic][self.stamps(topic).index(stamp_ns)])

    def status(self, name, condition, what):
        return self.probe.wait_diagnostics(f'{name}/refiner', condition, what)


@pytest.fixture(scope='module')
def pair():
    with Probe() as probe, probe.run('refiner', SENSOR, words=SEVERAL) as refiner:
        made = Pair(probe)
        probe.heard_by(refiner, *made.heard)
        probe.matched(*(one for camera in made.cameras.values() for one in camera.publishers))
        yield made
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output
        assert 'Traceback' not in refiner.output


def test_each_camera_has_its_own_depth_and_counters(pair):
    near, far = slope(96, 64, 0.5, 1.0), slope(96, 64, 2.0, 4.0)
    for _ in range(3):
        stamp_ns = pair.send('front', 'rear', front={'depth_m': near}, rear={'depth_m': far})
        np.testing.assert_array_equal(pair.depth('front', stamp_ns), near)
        np.testing.assert_array_equal(pair.depth('rear', stamp_ns), far)
    before = int(pair.status('rear', lambda seen: True, 'a report')['frames_in'])
    pair.send('front')
    pair.status('front', lambda seen: int(seen['frames_in']) > before, 'the counter of front')
    pair.probe.received['/diagnostics'].clear()
    assert int(pair.status('rear', lambda seen: True, 'a report')['frames_in']) == before


def test_a_silent_camera_is_named_and_the_other_goes_on(pair):
    for _ in range(8):
        stamp_ns = pair.send('rear')
        pair.depth('rear', stamp_ns)
        pair.probe.watch(0.3)
    status = pair.status('front', lambda seen: 'waiting for' in seen['message'], 'the silence')
    assert f'{pair.probe.namespace}/front/image: 1 publisher(s)' in status['message']
    pair.probe.received['/diagnostics'].clear()
    assert 'waiting for' not in pair.status('rear', lambda seen: True, 'a report')['message']


def corrupt(image):
    image.data = image.data[:-100]


def of_other_size(image):
    made = image_from_rgb(image.header, picture(48, 32))
    for field in ('width', 'height', 'step', 'data'):
        setattr(image, field, getattr(made, field))


@pytest.mark.parametrize('spoil', [corrupt, of_other_size, None], ids=['corrupt', 'size', 'empty'])
def test_a_camera_with_bad_frames_does_not_stop_the_other(pair, spoil):
    parts = {'depth_m': np.full((64, 96), np.nan, np.float32)}
    if spoil is not None:
        image = image_from_rgb(header_of(0, ''), picture(96, 64))
        spoil(image)
        parts = {'image': image}
    skipped = pair.probe.listen(Header, 'front/refiner/skipped')
    pair.probe.wait(lambda: pair.probe.node.count_publishers(skipped.topic_name), 'skipped')
    for _ in range(3):
        stamp_ns = pair.send('front', 'rear', front=parts)
        np.testing.assert_array_equal(pair.depth('rear', stamp_ns), slope(96, 64))
        assert stamp_ns not in pair.stamps('front/depth/image')
    stamp_ns = pair.send('front', 'rear')
    pair.depth('front', stamp_ns)
    assert pair.status('front', lambda seen: 'dropped_bad_input' in seen, 'the counter')
    pair.probe.received['/diagnostics'].clear()
    assert 'dropped_bad_input' not in pair.status('rear', lambda seen: True, 'a report')


def test_a_fast_camera_does_not_starve_a_slow_one(pair):
    """Whatever arrives meanwhile of one, the other is served in the next round."""
    for _ in range(5):
        pair.stamp_ns += 40 * MS
        for number in range(10):
            pair.cameras['front'].send(pair.stamp_ns + number * MS)
        pair.depth('rear', pair.send('rear'))


def test_networks_that_differ_are_refused(probe, tmp_path):
    file = tmp_path / 'params.yaml'
    file.write_text('/**/rear/refiner:\n  ros__parameters: {fill_holes: true, seed: 7}\n')
    words = (*SEVERAL, '--params-file', str(file))
    with probe.run('refiner', SENSOR, words=words) as refiner:
        assert refiner.finish() == 2
    assert f'{probe.namespace}/rear/refiner has seed = 7, ' in refiner.output
    assert f'{probe.namespace}/front/refiner has 0, but cameras of one' in refiner.output
