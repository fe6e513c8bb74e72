from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.frame import FrameSource
from depth_refiner_ros.sources.ros.bag import RosbagSource
import numpy as np
import pytest

from tests.sources.ros import bags

START = 1_700_000_000 * 10**9
STEP = 100_000_000
RGB = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
MM = np.random.default_rng(1).integers(500, 4000, (24, 32)).astype(np.uint16)
K = (30.0, 31.0, 15.5, 11.5)


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


def check_walk(frames):
    assert [frame.stamp_ns for frame in frames] == [START + step * STEP for step in range(4)]
    for step, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.rgb_HW3, RGB + np.uint8(step))
        np.testing.assert_allclose(frame.depth_m_HW, (MM + step) / 1000.0, rtol=1e-6)
        assert frame.intrinsics == Intrinsics(
            fx=30.0, fy=31.0, cx=15.5, cy=11.5, width=32, height=24
        )
        assert frame.map_from_camera[0, 3] == pytest.approx(step)


@pytest.mark.parametrize('plugin', ['sqlite3', 'mcap'])
def test_round_trip(tmp_path, plugin):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin)
    source = RosbagSource(bag, max_gap_s=0.06)
    assert isinstance(source, FrameSource)
    assert (source.name, len(source)) == ('bag', 4)
    assert source.topics == {
        'image': '/camera/image_raw',
        'depth': '/camera/depth',
        'camera_info': '/camera/camera_info',
        'pose': '/pose',
    }
    check_walk(list(source))
    check_walk(list(source))
    (storage,) = (file for file in bag.iterdir() if file.suffix in ('.db3', '.mcap'))
    if plugin == 'mcap':
        check_walk(list(RosbagSource(storage, max_gap_s=0.06)))


def test_depth_recorded_three_frames_late_still_finds_its_image(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', walk(depth_late_ns=3 * STEP + 5))
    check_walk(list(RosbagSource(bag, max_gap_s=0.06)))


def test_without_depth_pose_and_camera_frames_still_come(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', walk())
    frames = list(RosbagSource(bag, camera_info_topic='', depth_topic='', pose_topic=''))
    assert len(frames) == 4
    for frame in frames:
        assert (frame.intrinsics, frame.depth_m_HW, frame.map_from_camera) == (None, None, None)
    near = list(RosbagSource(bag, max_gap_s=0.001))
    assert all(frame.depth_m_HW is None and frame.map_from_camera is None for frame in near)


def test_compressed_color_and_odometry(tmp_path):
    data = bags.png(RGB[..., ::-1])
    messages = [
        ('/image/compressed', START, bags.compressed(START, data, 'png')),
        ('/odom', START, bags.odometry(START, 7.0)),
    ]
    (frame,) = RosbagSource(bags.write_bag(tmp_path / 'bag', messages))
    np.testing.assert_array_equal(frame.rgb_HW3, RGB)
    assert frame.map_from_camera[0, 3] == 7.0


def test_distorted_images_are_rectified_with_their_depth(tmp_path):
    ramp = np.tile(np.arange(1, 33, dtype=np.uint16) * 100, (24, 1))
    messages = [
        ('/image_raw', START, bags.image(START, RGB, 'rgb8')),
        ('/depth', START, bags.image(START, ramp, '16UC1')),
        ('/info', START, bags.camera_info(START, 32, 24, K, d=(0.5, 0, 0, 0, 0))),
    ]
    (frame,) = RosbagSource(bags.write_bag(tmp_path / 'bag', messages))
    x = (27 - 15.5) / 30.0
    recorded = round(15.5 + 30.0 * x * (1 + 0.5 * x * x))
    assert frame.depth_m_HW[11, 27] == pytest.approx((recorded + 1) / 10)
    assert not np.array_equal(frame.rgb_HW3, RGB)


def test_a_choice_of_topics_is_left_to_the_user(tmp_path):
    messages = [
        *walk(2),
        ('/rear/image_raw', START, bags.image(START, RGB, 'bgr8')),
        ('/odom', START, bags.odometry(START, 7.0)),
    ]
    bag = bags.write_bag(tmp_path / 'bag', messages)
    with pytest.raises(
        SourceError,
        match='several image topics; choose image_topic from: /camera/image_raw, /rear/image_raw',
    ):
        RosbagSource(bag)
    with pytest.raises(SourceError, match=r'several pose topics.*/odom, /pose'):
        RosbagSource(bag, image_topic='/rear/image_raw')
    source = RosbagSource(bag, image_topic='/rear/image_raw', pose_topic='/odom')
    assert len(source) == 1
    assert next(iter(source)).map_from_camera[0, 3] == 7.0
    with pytest.raises(SourceError, match=r"image_topic '/front' is not .*choose from: /camera"):
        RosbagSource(bag, image_topic='/front')
    with pytest.raises(SourceError, match="'/camera/depth' is not a image topic"):
        RosbagSource(bag, image_topic='/camera/depth')


def test_a_bag_without_color_names_its_topics(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', [('/pose', START, bags.pose(START, 0.0))])
    with pytest.raises(SourceError, match=r'no color image; its topics: /pose \(PoseStamped, 1'):
        RosbagSource(bag)


def test_bad_messages_are_named_with_topic_and_time(tmp_path):
    messages = walk(2)
    messages[0][2].encoding = 'rgb9'
    with pytest.raises(SourceError, match=r"image_raw at 1700000000\.000000000 s: .*'rgb9'"):
        next(iter(RosbagSource(bags.write_bag(tmp_path / 'a', messages))))
    back = [('/i', START + n, bags.image(START - n * STEP, RGB, 'rgb8')) for n in range(2)]
    with pytest.raises(SourceError, match='/i: time does not move on'):
        list(RosbagSource(bags.write_bag(tmp_path / 'b', back)))
    poses = [
        ('/i', START, bags.image(START, RGB, 'rgb8')),
        ('/p', START, bags.pose(START, 0.0, (0.0, 0.0, 0.0, 0.0))),
    ]
    with pytest.raises(SourceError, match='/p: quaternion 0 0 0 0 has length 0'):
        RosbagSource(bags.write_bag(tmp_path / 'c', poses))
    small = [
        ('/i', START, bags.image(START, RGB, 'rgb8')),
        ('/d', START, bags.image(START, MM[:12, :16], '16UC1')),
    ]
    with pytest.raises(SourceError, match='depth of 16x12 does not fit the image of 32x24'):
        next(iter(RosbagSource(bags.write_bag(tmp_path / 'd', small))))
    other = [
        ('/i', START, bags.image(START, RGB, 'rgb8')),
        ('/c', START, bags.camera_info(START, 64, 48, K)),
    ]
    with pytest.raises(SourceError, match='32x24 does not fit the camera_info of 64x48'):
        next(iter(RosbagSource(bags.write_bag(tmp_path / 'e', other))))


@pytest.mark.parametrize('plugin', ['sqlite3', 'mcap'])
@pytest.mark.parametrize('share', [0.0, 0.3, 0.7, 0.98])
def test_truncated_bag_is_one_clear_error(tmp_path, plugin, share):
    bag = bags.write_bag(tmp_path / 'bag', walk(), plugin=plugin)
    (storage,) = (file for file in bag.iterdir() if file.suffix in ('.db3', '.mcap'))
    data = storage.read_bytes()
    storage.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(SourceError, match='bag'):
        list(RosbagSource(bag))


@pytest.mark.parametrize('plugin', ['sqlite3', 'mcap'])
def test_damaged_bag_is_read_or_one_clear_error(tmp_path, plugin):
    bag = bags.write_bag(tmp_path / 'bag', walk(2), plugin=plugin)
    (storage,) = (file for file in bag.iterdir() if file.suffix in ('.db3', '.mcap'))
    data = np.frombuffer(storage.read_bytes(), dtype=np.uint8)
    rng = np.random.default_rng(0)
    failed = 0
    for _ in range(6):
        damaged = data.copy()
        damaged[rng.integers(0, len(data), 200)] = rng.integers(0, 256, 200)
        storage.write_bytes(damaged.tobytes())
        try:
            list(RosbagSource(bag))
        except SourceError:
            failed += 1
    assert failed


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(SourceError, match=r'no bag .*none'):
        RosbagSource(tmp_path / 'none')
    (tmp_path / 'x.mcap').write_text('no bag')
    with pytest.raises(SourceError, match=r'x\.mcap'):
        RosbagSource(tmp_path / 'x.mcap')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'metadata.yaml').write_text('a: [')
    with pytest.raises(SourceError, match='folder'):
        RosbagSource(tmp_path / 'folder')
