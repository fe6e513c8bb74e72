# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The refiner as a process: what goes in and comes out, and what it does with bad input."""

import signal

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.cuts import LONGEST_GAP_NS
from depth_refiner_ros.nodes.conversions.camera import info_from_intrinsics
from depth_refiner_ros.nodes.conversions.color import image_from_rgb
from depth_refiner_ros.nodes.conversions.headers import header_of, stamp_ns_of
from depth_refiner_ros.sources.ros.color import rgb_from_compressed
from depth_refiner_ros.sources.ros.depth import depth_from_compressed
from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Float64, Header

from tests.nodes.node_graph import Camera, camera_of, picture, Probe, slope

pytestmark = pytest.mark.slow
CAMERA = Intrinsics(fx=70.0, fy=72.0, cx=47.0, cy=31.0, width=96, height=64)
OUTPUTS = {
    'depth/image': Image,
    'depth/image_raw': Image,
    'depth/camera_info': CameraInfo,
    'depth/confidence': Image,
    'points': PointCloud2,
    'color/image': Image,
}
MS = 1_000_000
PARAMETERS = {
    'prior': 'sensor',
    'refiner': 'none',
    'input_qos': 'reliable',
    'keep_every_frame': True,
    'diagnostics_period_s': 0.2,
}


class Bench:
    """A refiner with a camera and subscribers."""

    def __init__(self, probe, refiner, outputs=OUTPUTS):
        self.probe, self.refiner = probe, refiner
        self.camera = Camera(probe, CAMERA)
        self.stamp_ns = 0
        done = probe.listen(Header, 'refiner/done')
        skipped = probe.listen(Header, 'refiner/skipped')
        self.outputs = [probe.listen(kind, topic) for topic, kind in outputs.items()]
        probe.heard_by(refiner, done, skipped, *self.outputs)
        probe.matched(*self.camera.publishers)

    def send(self, **parts):
        """Send a frame and wait until the refiner has finished it."""
        self.stamp_ns += 40 * MS
        self.camera.send(self.stamp_ns, **parts)
        self.wait_done(self.stamp_ns)
        return self.stamp_ns

    def wait_done(self, stamp_ns):
        self.probe.wait(
            lambda: stamp_ns in self.stamps('refiner/done'), f'the end of frame {stamp_ns}'
        )

    def stamps(self, topic):
        messages = self.probe.received[topic]
        return [stamp_ns_of(getattr(message, 'header', message)) for message in messages]

    def output(self, topic, stamp_ns):
        self.probe.wait(lambda: stamp_ns in self.stamps(topic), f'{topic} of {stamp_ns}')
        return self.probe.received[topic][self.stamps(topic).index(stamp_ns)]

    def depth(self, stamp_ns):
        return floats(self.output('depth/image', stamp_ns))

    def status(self, condition, what):
        return self.probe.wait_diagnostics('refiner', condition, what)

    def count(self, reason):
        """Return how many frames were dropped for a reason so far, from a fresh report."""
        self.probe.received['/diagnostics'].clear()
        return int(self.status(lambda _: True, 'a report').get(f'dropped_{reason}', 0))


def floats(image):
    assert (image.encoding, image.is_bigendian) == ('32FC1', 0)
    return np.frombuffer(image.data, np.float32).reshape(image.height, image.width)


@pytest.fixture(scope='module')
def bench():
    with Probe() as probe, probe.run('refiner', PARAMETERS) as refiner:
        yield Bench(probe, refiner)
        assert refiner.stop(signal.SIGTERM) == 0, refiner.output


def test_contract_of_the_outputs(bench):
    depth, rgb = slope(96, 64, 0.5, 3.0), picture(96, 64)
    depth[10:20, 10:20] = np.nan
    stamp_ns = bench.send(depth_m=depth, rgb=rgb)
    messages = {topic: bench.output(topic, stamp_ns) for topic in OUTPUTS}
    for topic, message in messages.items():
        assert stamp_ns_of(message.header) == stamp_ns, topic
        assert message.header.frame_id == 'camera_optical_frame', topic
        assert (message.width, message.height) == (96, 64), topic
    assert camera_of(messages['depth/camera_info']) == CAMERA
    np.testing.assert_array_equal(floats(messages['depth/image']), depth)
    raw = messages['depth/image_raw']
    assert raw.encoding == '16UC1'
    millimetres = np.frombuffer(raw.data, np.uint16).reshape(64, 96)
    np.testing.assert_array_equal(millimetres, np.nan_to_num(np.rint(depth * 1000)))
    confidence = floats(messages['depth/confidence'])
    assert (confidence[np.isnan(depth)] == 0).all()
    assert (confidence[np.isfinite(depth)] > 0.5).all()
    assert messages['color/image'].encoding == 'rgb8'
    assert bytes(messages['color/image'].data) == rgb.tobytes()
    points = np.frombuffer(messages['points'].data, np.float32).reshape(64, 96, 4)
    np.testing.assert_array_equal(points[..., 2], depth)
    columns = np.arange(96, dtype=np.float32)
    np.testing.assert_allclose(points[..., 0], depth * (columns - 47.0) / 70.0, atol=1e-6)


def test_one_output_per_input_in_lock_step(bench):
    sent = [bench.send() for _ in range(30)]
    for topic in OUTPUTS:
        bench.output(topic, sent[-1])
        stamps = [stamp for stamp in bench.stamps(topic) if stamp >= sent[0]]
        assert stamps == sent, topic


@pytest.mark.parametrize(
    'make',
    [
        lambda rgb: setattr(rgb, 'data', rgb.data[:-100]),
        lambda rgb: setattr(rgb, 'step', 17),
        lambda rgb: setattr(rgb, 'width', 0),
        lambda rgb: setattr(rgb, 'encoding', 'nonsense'),
        lambda rgb: setattr(rgb, 'height', 63),
    ],
    ids=['short', 'step', 'empty', 'encoding', 'size'],
)
def test_a_malformed_image_is_counted_and_the_next_served(bench, make):
    image = image_from_rgb(header_of(0, ''), picture(96, 64))
    make(image)
    before = bench.count('bad_input')
    bad_ns = bench.send(image=image)
    good_ns = bench.send()
    bench.output('depth/image', good_ns)
    bench.output('refiner/skipped', bad_ns)
    assert good_ns not in bench.stamps('refiner/skipped')
    assert bad_ns not in bench.stamps('depth/image')
    status = bench.status(
        lambda seen: int(seen.get('dropped_bad_input', 0)) == before + 1,
        'the counter of bad input',
    )
    assert status['level'] == DiagnosticStatus.ERROR
    assert status['last_error'] in status['message']


def test_an_uncalibrated_camera_is_told(bench):
    info = info_from_intrinsics(header_of(0, ''), CAMERA)
    info.k[0] = float('nan')
    bad_ns = bench.send(info=info)
    bench.output('refiner/skipped', bad_ns)
    bench.status(lambda seen: 'matrix K: intrinsics: fx = nan' in seen['last_error'], 'the reason')
    info.k, info.p = [0.0] * 9, [0.0] * 12
    bench.output('refiner/skipped', bench.send(info=info))
    bench.status(
        lambda seen: 'K = 0, so the camera is not calibrated' in seen['last_error'], 'the fix'
    )
    bench.output('depth/image', bench.send())


def test_images_of_a_distorted_camera_are_undistorted_with_their_depth(bench):
    info = info_from_intrinsics(header_of(0, ''), CAMERA)
    info.d = [0.2, 0.0, 0.0, 0.0, 0.0]
    columns = np.arange(96, dtype=np.float32)
    depth, rgb = np.tile(1.0 + columns / 100, (64, 1)), picture(96, 64)
    for _ in range(2):
        stamp_ns = bench.send(info=info, depth_m=depth, rgb=rgb)
        x = (82 - 47.0) / 70.0
        recorded = round(47.0 + 70.0 * x * (1 + 0.2 * x * x))
        assert bench.depth(stamp_ns)[31, 82] == pytest.approx(1.0 + recorded / 100)
        assert camera_of(bench.output('depth/camera_info', stamp_ns)) == CAMERA
        relayed = bench.output('color/image', stamp_ns)
        assert bytes(relayed.data) != rgb.tobytes()
    assert bench.refiner.output.count('are distorted (plumb_bob); undistorting them') == 1
    stamp_ns = bench.send(depth_m=depth, rgb=rgb)
    assert bytes(bench.output('color/image', stamp_ns).data) == rgb.tobytes()


def test_time_may_jump_back(bench):
    before_ns = bench.send()
    bench.stamp_ns = 1  # no stamp of before comes again
    first_ns, second_ns = bench.send(), bench.send()
    bench.output('depth/image', second_ns)
    assert first_ns in bench.stamps('depth/image')
    bench.stamp_ns = before_ns


def test_runtime_parameters_take_effect(bench):
    depth = slope(96, 64, 1.0, 3.0)
    assert bench.probe.set_parameter('refiner', 'max_range_m', 2.0).successful
    assert bench.probe.set_parameter('refiner', 'min_range_m', 1.5).successful
    seen = bench.depth(bench.send(depth_m=depth))
    np.testing.assert_array_equal(
        seen, np.where(depth > 2.0, np.inf, np.where(depth < 1.5, -np.inf, depth))
    )
    assert bench.probe.set_parameter('refiner', 'out_of_range', 'zero').successful
    assert (bench.depth(bench.send(depth_m=depth))[depth > 2.0] == 0.0).all()
    assert bench.probe.set_parameter('refiner', 'out_of_range', 'nan').successful
    assert np.isnan(bench.depth(bench.send(depth_m=depth))[depth < 1.5]).all()
    for name, value in (('max_range_m', 80.0), ('min_range_m', 0.1), ('out_of_range', 'inf')):
        assert bench.probe.set_parameter('refiner', name, value).successful
    np.testing.assert_array_equal(bench.depth(bench.send(depth_m=depth)), depth)


def test_points_follow_their_parameters(bench):
    for name, value in (
        ('points.stride', 2),
        ('points.layout', 'pcl32'),
        ('points.organized', False),
    ):
        assert bench.probe.set_parameter('refiner', name, value).successful
    depth = slope(96, 64)
    depth[:32] = np.nan
    cloud = bench.output('points', bench.send(depth_m=depth))
    assert (cloud.point_step, cloud.height, cloud.width) == (32, 1, 16 * 48)
    for name, value in (
        ('points.stride', 1),
        ('points.layout', 'packed16'),
        ('points.organized', True),
    ):
        assert bench.probe.set_parameter('refiner', name, value).successful
    assert bench.output('points', bench.send()).width == 96


def test_compressed_outputs_are_made_where_somebody_subscribes(bench):
    topics = ('color/image/compressed', 'depth/image/compressedDepth')
    subscriptions = [bench.probe.listen(CompressedImage, topic) for topic in topics]
    bench.probe.heard_by(bench.refiner, *subscriptions)
    bench.probe.watch(1.0)  # until the refiner has found the subscriptions
    depth = slope(96, 64, 0.5, 3.0)
    depth[10:20, 10:20] = np.nan
    stamp_ns = bench.send(depth_m=depth, rgb=np.full((64, 96, 3), (200, 100, 50), np.uint8))
    color, compressed = (bench.output(topic, stamp_ns) for topic in topics)
    np.testing.assert_allclose(rgb_from_compressed(color).mean((0, 1)), (200, 100, 50), atol=3)
    np.testing.assert_allclose(depth_from_compressed(compressed), depth, rtol=1e-3)
    for subscription in subscriptions:
        bench.probe.node.destroy_subscription(subscription)


def test_flying_pixels_are_taken_out_where_asked_for(bench):
    depth = np.full((64, 96), 1.0, np.float32)
    depth[:, 50:] = 3.0
    depth[:, 49] = 2.0
    assert np.isnan(bench.depth(bench.send(depth_m=depth))[:, 49]).all()
    assert bench.probe.set_parameter('refiner', 'edge_filter.enable', False).successful
    assert (bench.depth(bench.send(depth_m=depth))[:, 49] == 2.0).all()
    assert bench.probe.set_parameter('refiner', 'edge_filter.enable', True).successful


def test_a_flickering_scale_is_held_where_asked_for(bench):
    wall = slope(96, 64)
    bench.send(depth_m=wall)
    assert bench.probe.set_parameter('refiner', 'scale_lock', 0.5).successful
    bench.send(depth_m=wall)
    held = bench.depth(bench.send(depth_m=1.21 * wall))
    assert np.nanmedian(held / wall) == pytest.approx(1.1, rel=1e-3)
    bench.status(lambda seen: seen.get('scale_lock_factor') == '0.9091', 'the factor')
    bench.stamp_ns += LONGEST_GAP_NS
    after_a_gap = bench.depth(bench.send(depth_m=1.21 * wall))
    assert np.nanmedian(after_a_gap / wall) == pytest.approx(1.21, rel=1e-3)
    assert bench.probe.set_parameter('refiner', 'scale_lock', 0.0).successful
    as_it_is = bench.depth(bench.send(depth_m=1.21 * wall))
    assert np.nanmedian(as_it_is / wall) == pytest.approx(1.21, rel=1e-3)


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('prior', 'bundled', 'read-only'),
        ('points.stride', 0, 'range'),
        ('points.layout', 'pcl31', 'did you mean pcl32'),
        ('min_range_m', 90.0, 'min_range_m = 90 m must be below max_range_m = 80 m'),
        ('min_range_m', 'near', ''),
    ],
)
def test_unfit_changes_are_refused_with_the_reason(bench, name, value, reason):
    answer = bench.probe.set_parameter('refiner', name, value)
    assert not answer.successful
    assert reason in answer.reason


def test_timing_is_published(bench):
    topics = ['refiner/debug/processing_time_ms', 'refiner/debug/cyclic_time_ms']
    bench.probe.heard_by(bench.refiner, *(bench.probe.listen(Float64, topic) for topic in topics))

    def all_told():
        bench.send()
        return all(bench.probe.received[topic] for topic in topics)

    bench.probe.wait(all_told, 'timings')
    assert all(message.data > 0 for topic in topics for message in bench.probe.received[topic])
    status = bench.status(lambda seen: 'latency_p99_ms' in seen, 'percentiles')
    assert status['hardware_id'] == 'camera_optical_frame'
    assert 0 < float(status['latency_p50_ms']) <= float(status['latency_p99_ms'])
    assert {'stage_decode_ms', 'stage_refine_ms', 'stage_clean_ms', 'stage_publish_ms'} <= set(
        status
    )
    assert status['scale_jumps'] == '0'
    assert status['clamped_px'] == '0'


def test_silence_names_the_missing_topic(bench):
    bench.send()
    # Topics fall silent one after the other, and a report may come in between.
    silent = f'waiting for {bench.probe.namespace}/image: 1 publisher(s), no message any more'
    status = bench.status(lambda seen: silent in seen['message'], 'a silent camera')
    assert status['level'] in (DiagnosticStatus.WARN, DiagnosticStatus.ERROR)
    bench.send()
    bench.status(lambda seen: 'waiting for' not in seen['message'], 'the camera to be heard')
    said = bench.refiner.output.count(silent)
    assert said, 'who looks at the terminal sees it, too'
    bench.status(lambda seen: silent in seen['message'], 'a silent camera again')
    bench.status(lambda seen: silent in seen['message'], 'another report')
    assert bench.refiner.output.count(silent) == said + 1, 'once each time'


def test_frames_add_up(bench):
    bench.probe.received['/diagnostics'].clear()
    status = bench.status(lambda seen: True, 'a report')
    dropped = {key: int(value) for key, value in status.items() if key.startswith('dropped_')}
    assert int(status['frames_in']) == int(status['frames_out']) + sum(dropped.values())
    assert dropped.get('dropped_unmatched', 0) <= 1


def wall_after(bench, change):
    """Return the locked scale of a wall that is 1.21 times as far after a change."""
    wall = slope(96, 64)
    assert bench.probe.set_parameter('refiner', 'scale_lock', 0.5).successful
    bench.send(depth_m=wall)
    parts = change(bench) or {}
    seen = bench.depth(bench.send(depth_m=1.21 * wall, **parts))
    assert bench.probe.set_parameter('refiner', 'scale_lock', 0.0).successful
    return np.nanmedian(seen / wall)


def time_back(bench):
    bench.stamp_ns -= 4001 * MS + 1


def time_on(bench):
    bench.stamp_ns += 60_000 * MS


def other_camera(bench):
    return {
        'info': info_from_intrinsics(
            header_of(0, ''), Intrinsics(fx=140.0, fy=144.0, cx=47.0, cy=31.0, width=96, height=64)
        )
    }


@pytest.mark.parametrize('change', [time_back, time_on, other_camera])
def test_the_scale_is_not_held_across(bench, change):
    bench.stamp_ns += 5000 * MS
    assert wall_after(bench, change) == pytest.approx(1.21, rel=1e-3)
    bench.stamp_ns += 120_000 * MS
