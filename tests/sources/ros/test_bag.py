# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags as sources of frames: the matching of messages, and the effect of a bad one."""

from collections import Counter
from contextlib import closing
import sqlite3

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource, HasMeasuredDepth, HasTrajectory
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.ros.bag import RosbagSource
from depth_refiner_ros.sources.ros.bag_messages import BagMessages, FIRST_LOOKED_AT
import numpy as np
import pytest

from tests.sources.ros import bags

START = 1_700_000_000 * 10**9
STEP = 100_000_000
RGB = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
MM = np.random.default_rng(1).integers(500, 4000, (24, 32)).astype(np.uint16)
K = (30.0, 31.0, 15.5, 11.5)
CAMERA = Intrinsics(fx=30.0, fy=31.0, cx=15.5, cy=11.5, width=32, height=24)


def walk(frames: int = 4, depth_late_ns: int = 0):
    """Color, depth, camera and poses; the recorder may get depth later than it was taken."""
    messages = []
    for step in range(frames):
        now = START + step * STEP
        messages += [
            ('/camera/image_raw', now, bags.image(now, RGB + np.uint8(step), 'rgb8')),
            ('/camera/camera_info', now, bags.camera_info(now, 32, 24, K)),
            (
                '/camera/depth',
                now + depth_late_ns,
                bags.image(now + 2_000_000, MM + np.uint16(step), '16UC1'),
            ),
            ('/pose', now, bags.pose(now - STEP // 2, step - 0.5)),
        ]
    end = START + frames * STEP
    messages.append(('/pose', end, bags.pose(end - STEP // 2, frames - 0.5)))
    return sorted(messages, key=lambda message: message[1])


def check_walk(frames, count=4):
    assert [frame.stamp_ns for frame in frames] == [START + step * STEP for step in range(count)]
    for step, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.rgb_HW3, RGB + np.uint8(step))
        np.testing.assert_allclose(frame.depth_m_HW, (MM + step) / 1000.0, rtol=1e-6)
        assert frame.intrinsics == CAMERA
        assert frame.map_from_camera[0, 3] == pytest.approx(step)


def opened(tmp_path, messages, **options):
    return RosbagSource(bags.write_bag(tmp_path / 'bag', messages), **options)


def read(tmp_path, messages, **options):
    return list(opened(tmp_path, messages, **options))


def images(*stamps_ns, bag_ns=None, frame=None):
    """Return color images in the order given, recorded 1 ms apart."""
    made = []
    for index, stamp_ns in enumerate(stamps_ns):
        message = bags.image(stamp_ns, RGB, 'rgb8')
        if frame is not None:
            message.header.frame_id = frame
        made.append(('/i', (START if bag_ns is None else bag_ns) + index * 10**6, message))
    return made


def test_frames_of_a_walk_come_twice(tmp_path):
    source = opened(tmp_path, walk(), max_gap_s=0.06)
    assert isinstance(source, FrameSource)
    assert isinstance(source, HasTrajectory)
    assert isinstance(source, HasMeasuredDepth)
    assert source.measured_depth
    assert (source.name, len(source), len(source.trajectory)) == ('bag', 4, 5)
    chosen = source.topics
    assert (chosen.image, chosen.depth) == ('/camera/image_raw', '/camera/depth')
    assert (chosen.info, chosen.pose) == ('/camera/camera_info', '/pose')
    check_walk(list(source))
    check_walk(list(source))


def test_depth_recorded_three_frames_late_still_finds_its_image(tmp_path):
    check_walk(read(tmp_path, walk(depth_late_ns=3 * STEP + 5), max_gap_s=0.06))


def test_without_depth_pose_and_camera_frames_still_come(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', walk())
    bare = RosbagSource(bag, info_topic='none', depth_topic='none', pose_topic='none')
    assert not bare.measured_depth
    frames = list(bare)
    assert len(frames) == 4
    for frame in frames:
        assert (frame.intrinsics, frame.depth_m_HW, frame.map_from_camera) == (None, None, None)
    lines = []
    near = list(RosbagSource(bag, max_gap_s=0.001, log=lines.append))
    assert all(frame.depth_m_HW is None and frame.map_from_camera is None for frame in near)
    assert [
        line for line in lines if 'has no pose: the nearest pose is 50.0 ms away' in line
    ] == lines
    assert near[0].why_no_depth == (
        'the nearest depth is 2.0 ms away from the image; compare the clocks, or set a larger '
        'pose_tolerance_ms than 1'
    )
    assert {frame.why_no_depth for frame in frames} == {''}


def test_compressed_color_and_odometry(tmp_path):
    data = bags.png(RGB[..., ::-1])
    messages = [
        ('/image/compressed', START, bags.compressed(START, data, 'png')),
        ('/odom', START, bags.odometry(START, 7.0)),
    ]
    (frame,) = read(tmp_path, messages)
    np.testing.assert_array_equal(frame.rgb_HW3, RGB)
    assert frame.map_from_camera[0, 3] == 7.0


def test_png_depth_beside_color(tmp_path):
    png = bags.png(np.full((24, 32), 2000, np.uint16))
    messages = [
        ('/c/image', START, bags.image(START, RGB, 'rgb8')),
        ('/d/compressed', START, bags.compressed(START, png, '16UC1; png compressed ')),
    ]
    (frame,) = read(tmp_path, messages)
    np.testing.assert_array_equal(frame.depth_m_HW, np.full((24, 32), 2.0, np.float32))


def test_gray_images_of_twelve_bits_are_bright(tmp_path):
    ramp = np.tile(np.linspace(0, 4095, 32).astype(np.uint16), (24, 1))
    messages = [
        ('/ir/image_raw', START + n, bags.image(START + n, ramp, 'mono16')) for n in range(2)
    ]
    lines = []
    first, second = read(tmp_path, messages, log=lines.append)
    assert (first.rgb_HW3[0, 0, 0], first.rgb_HW3[0, -1, 0]) == (0, 255)
    np.testing.assert_array_equal(first.rgb_HW3, second.rgb_HW3)
    assert [line.split(' (')[0] for line in lines] == ['16-bit images use 12 bits']
    told = next(iter(RosbagSource(tmp_path / 'bag', image_bits=16, log=pytest.fail)))
    assert told.rgb_HW3.max() == 16


RAMP = np.tile(np.arange(1, 33, dtype=np.uint16) * 100, (24, 1))


def distorted(topic, **options):
    return [
        (topic, START, bags.image(START, RGB, 'rgb8')),
        ('/depth', START, bags.image(START, RAMP, '16UC1')),
        ('/info', START, bags.camera_info(START, 32, 24, K, d=(0.5, 0, 0, 0, 0), **options)),
    ]


@pytest.mark.parametrize('topic', ['/image_raw', '/rectangle_cam/image_raw'])
def test_distorted_images_are_rectified_with_their_depth(tmp_path, topic):
    lines = []
    (frame,) = read(tmp_path, distorted(topic), log=lines.append)
    x = (27 - 15.5) / 30.0
    recorded = round(15.5 + 30.0 * x * (1 + 0.5 * x * x))
    assert frame.depth_m_HW[11, 27] == pytest.approx((recorded + 1) / 10)
    assert not np.array_equal(frame.rgb_HW3, RGB)
    assert lines == [f'images of {topic} are distorted (plumb_bob); undistorting them']


def test_rectified_images_are_left_alone(tmp_path):
    (frame,) = read(tmp_path, distorted('/cam/image_rect', p=(20.0, 21.0, 15.0, 11.0)))
    np.testing.assert_array_equal(frame.rgb_HW3, RGB)
    assert (frame.intrinsics.fx, frame.intrinsics.cy) == (20.0, 11.0)


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        ({'binning': (2, 2)}, (15.0, 15.5, 15.5, 11.5)),
        ({'roi': (20, 10, 32, 24)}, (30.0, 31.0, 11.5, 13.5)),
    ],
)
def test_the_camera_is_that_of_the_image_as_it_comes(tmp_path, options, expected):
    full = (30.0, 31.0, 31.5, 23.5)
    messages = [
        ('/cam/image_raw', START, bags.image(START, RGB, 'rgb8')),
        ('/cam/camera_info', START, bags.camera_info(START, 64, 48, full, **options)),
    ]
    (frame,) = read(tmp_path, messages)
    assert frame.intrinsics == Intrinsics(
        **dict(zip(('fx', 'fy', 'cx', 'cy'), expected)), width=32, height=24
    )


def test_each_image_has_the_camera_of_its_own_time(tmp_path):
    """A region of interest that moves, announced after its images."""
    messages = []
    for step in range(3):
        now = START + step * STEP
        info = bags.camera_info(now, 64, 48, (30.0, 31.0, 31.5, 23.5), roi=(10 * step, 0, 32, 24))
        messages += [
            ('/i', now, bags.image(now, RGB, 'rgb8')),
            ('/camera_info', now + STEP // 4, info),
        ]
    assert [frame.intrinsics.cx for frame in read(tmp_path, messages)] == [31.5, 21.5, 11.5]


def test_a_camera_that_is_not_calibrated_is_none_and_said(tmp_path):
    info = bags.camera_info(START, 32, 24, (0.0, 0.0, 0.0, 0.0))
    lines = []
    source = opened(tmp_path, [*images(START), ('/info', START, info)], log=lines.append)
    assert source.intrinsics is None
    assert next(iter(source)).intrinsics is None
    assert lines == ['/info has K = 0, so the camera is not calibrated']


@pytest.mark.parametrize(
    ('info', 'words'),
    [
        (bags.camera_info(START, 64, 48, K), '/info: the image is 32x24 but .* 64x48'),
        (bags.camera_info(START, 32, 24, (1e300, 1e300, 1.0, 1.0)), r'/info: .*fx = 1e\+300'),
        (bags.camera_info(START, 32, 24, (float('nan'), 1.0, 1.0, 1.0)), '/info: .*fx = nan'),
        (bags.camera_info(START, 32, 24, K, d=(1.0,), model='moon'), "/info: .*'moon'"),
    ],
)
def test_an_impossible_camera_is_one_line_with_a_way_out(tmp_path, info, words):
    with pytest.raises(SourceError, match=f'{words}.*info_topic:=none'):
        opened(tmp_path, [*images(START), ('/info', START, info)])
    (frame,) = RosbagSource(tmp_path / 'bag', info_topic='none')
    assert frame.intrinsics is None


def lost(frames):
    return [frame.detail.split(', ')[-1] for frame in frames if isinstance(frame, LostFrame)]


def came(frames):
    return [frame.stamp_ns for frame in frames if not isinstance(frame, LostFrame)]


@pytest.mark.parametrize(
    ('stamps', 'kept', 'detail'),
    [
        ([0, 33, 33, 66], [0, 33, 66], 'it repeats the stamp of an image before it'),
        ([0, 66, 33, 100], [0, 66, 100], 'it is 0.033 s behind an image before it'),
        (
            [0, 33, 90_000, 66, 100, 133],
            [0, 33, 66, 100, 133],
            'it is 89.934 s ahead of the images after it',
        ),
        ([0, 33, 66, 0, 33, 66], [0, 33, 66], 'it is 0.066 s behind an image before it'),
    ],
)
def test_a_wrong_stamp_costs_its_frame_alone_and_is_named(tmp_path, stamps, kept, detail):
    frames = read(tmp_path, images(*(START + stamp * 10**6 for stamp in stamps)))
    assert len(frames) == len(stamps)
    assert came(frames) == [START + stamp * 10**6 for stamp in kept]
    assert detail in lost(frames)[0]
    reasons = {frame.reason for frame in frames if isinstance(frame, LostFrame)}
    assert reasons <= {'repeated stamp', 'stamp out of order'}


def test_simulated_time_starts_at_zero(tmp_path):
    messages = images(0, 33 * 10**6, 66 * 10**6)
    messages += [('/pose', START, bags.pose(stamp_ns, 1.0)) for stamp_ns in (0, 33 * 10**6)]
    frames = read(tmp_path, messages)
    assert came(frames) == [0, 33 * 10**6, 66 * 10**6]
    assert [frame.map_from_camera is not None for frame in frames] == [True, True, False]


def test_messages_without_stamps_are_of_the_time_of_recording(tmp_path):
    depth = [('/d', START + n * 10**6, bags.image(0, MM, '16UC1')) for n in range(3)]
    pose = [('/p', START + n * 10**6, bags.pose(0, float(n))) for n in range(3)]
    lines = []
    frames = read(tmp_path, [*images(0, 0, 0), *depth, *pose], log=lines.append)
    assert came(frames) == [START + n * 10**6 for n in range(3)]
    assert [frame.map_from_camera[0, 3] for frame in frames] == [0.0, 1.0, 2.0]
    assert all(frame.depth_m_HW is not None for frame in frames)
    assert '/i has no stamps; the times of recording are used' in lines


def test_negative_stamps_are_lost_one_by_one(tmp_path):
    frames = read(tmp_path, images(-5 * 10**9, START, START + 1))
    assert came(frames) == [START, START + 1]
    assert lost(frames) == ['/i at -5.000000000 s: the stamp is negative']


def test_unreadable_messages_cost_their_frames_alone(tmp_path):
    messages = walk(4)
    broken = [message for topic, _, message in messages if topic == '/camera/image_raw']
    broken[0].encoding = 'rgb9'
    broken[1].data = broken[1].data[:-1]
    depths = [message for topic, _, message in messages if topic == '/camera/depth']
    depths[2].data = depths[2].data[:100]
    frames = read(tmp_path, messages, max_gap_s=0.06)
    assert came(frames) == [START + 3 * STEP]
    assert [frame.reason for frame in frames[:3]] == [
        'unreadable image',
        'unreadable image',
        'unreadable depth',
    ]
    assert "/camera/image_raw at 1700000000.000000000 s: encoding 'rgb9'" in frames[0].detail
    assert '/camera/depth at 1700000000.202000000 s: ' in frames[2].detail


def test_a_topic_of_an_undefined_type_is_not_read_to_its_end(tmp_path, monkeypatch):
    frames = images(*range(START, START + 100))
    radar = [('/radar', now, message) for _, now, message in frames]
    transforms = bags.transforms(bags.transform(START, 'map', 'base', (0.0, 0.0, 0.0)))
    tf = [('/tf', now, transforms) for _, now, _ in frames]
    bag = bags.write_bag(tmp_path / 'bag', [*frames, *radar, *tf])
    (storage,) = bag.glob('*.db3')
    with closing(sqlite3.connect(storage)) as database, database:
        database.execute("UPDATE topics SET type = 'radar_msgs/msg/Radar' WHERE name = '/radar'")
        database.execute('DELETE FROM message_definitions')
    text = (bag / 'metadata.yaml').read_text()
    kind = 'sensor_msgs/msg/Image'
    before, after = text.split('name: /radar')
    (bag / 'metadata.yaml').write_text(
        before + 'name: /radar' + after.replace(kind, 'radar_msgs/msg/Radar', 1)
    )
    read_of = Counter()
    deserialized = BagMessages._deserialized

    def counted(self, link, data):
        read_of[link.topic] += 1
        return deserialized(self, link, data)

    monkeypatch.setattr(BagMessages, '_deserialized', counted)
    source = RosbagSource(bag)
    assert read_of['/radar'] <= FIRST_LOOKED_AT
    assert len(list(source)) == 100
    assert read_of['/radar'] <= FIRST_LOOKED_AT, read_of
    assert read_of['/tf'] < 300, read_of


EMPTY = {
    '/camera/image_raw': bags.image(START, RGB[:0], 'rgb8'),
    '/camera/depth': bags.image(START, MM[:, :0], '16UC1'),
    '/camera/camera_info': bags.camera_info(START, 0, 0, K),
}
"""The first message of some drivers, before their camera runs."""


@pytest.mark.parametrize(
    ('topic', 'lost'),
    [
        ('/camera/image_raw', 'has no pixels; check the camera driver'),
        ('/camera/depth', 'has no pixels; check the camera driver'),
        ('/camera/camera_info', 'width = 0 must be positive'),
    ],
)
def test_a_topic_is_not_judged_by_an_empty_first_message(tmp_path, topic, lost):
    kept = [
        (name, now, EMPTY[topic] if (name, now) == (topic, START) else message)
        for name, now, message in walk()
    ]
    first, *others = read(tmp_path, kept, max_gap_s=0.06)
    assert [frame.depth_m_HW is not None for frame in others] == [True] * 3
    assert [frame.intrinsics for frame in others] == [CAMERA] * 3
    assert lost in first.detail


def test_a_topic_of_empty_images_alone_costs_its_frames(tmp_path):
    messages = [(topic, now, EMPTY.get(topic, message)) for topic, now, message in walk()]
    frames = read(tmp_path, messages, max_gap_s=0.06)
    assert all(isinstance(frame, LostFrame) for frame in frames)


def test_depth_of_another_size_that_was_asked_for_is_named(tmp_path):
    messages = [*images(START), ('/d', START, bags.image(START, MM[:12], '16UC1'))]
    lines = []
    assert read(tmp_path, messages, log=lines.append)[0].depth_m_HW is None
    assert lines[0].startswith('/d is left out')
    (frame,) = RosbagSource(tmp_path / 'bag', depth_topic='/d')
    assert (frame.reason, '/d at 1700000000.000000000 s is 32x12, its' in frame.detail) == (
        'wrong size',
        True,
    )


def test_depth_of_half_the_size_is_brought_to_the_image(tmp_path):
    messages = [*images(START), ('/d', START, bags.image(START, MM[:12, :16], '16UC1'))]
    (frame,) = read(tmp_path, messages)
    np.testing.assert_allclose(frame.depth_m_HW[::2, ::2], MM[:12, :16] / 1000.0, rtol=1e-6)
    np.testing.assert_allclose(frame.depth_m_HW[1::2, 1::2], MM[:12, :16] / 1000.0, rtol=1e-6)


def test_a_bag_without_color_names_its_topics(tmp_path):
    with pytest.raises(SourceError, match=r'no color image; its topics: /pose \(PoseStamped, 1'):
        opened(tmp_path, [('/pose', START, bags.pose(START, 0.0))])
