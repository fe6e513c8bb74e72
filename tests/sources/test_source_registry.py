# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame_list import FrameListSource
from depth_refiner_ros.sources.images import ImageFolderSource
from depth_refiner_ros.sources.registry import open_source
from depth_refiner_ros.sources.ros.bag import RosbagSource
from depth_refiner_ros.sources.tum import TumSource
from depth_refiner_ros.sources.video import VideoSource
import numpy as np
import pytest

from tests.sources.ros import bags

RGB = np.full((24, 32, 3), 99, np.uint8)
CAMERA = Intrinsics(fx=30.0, fy=30.0, cx=15.5, cy=11.5, width=32, height=24)


def test_each_kind_is_recognised(tmp_path):
    with SequenceWriter(tmp_path / 'tum', CAMERA) as writer:
        writer.add(1, RGB, np.ones((24, 32), np.float32))
    cv2.imwrite(str(tmp_path / 'one.png'), RGB)
    (tmp_path / 'list.json').write_text(json.dumps([{'rgb': 'one.png'}]))
    video = cv2.VideoWriter(str(tmp_path / 'v.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 5, (32, 24))
    video.write(RGB)
    video.release()
    bag = bags.write_bag(tmp_path / 'bag', [('/i', 5, bags.image(5, RGB, 'rgb8'))], plugin='mcap')
    (storage,) = bag.glob('*.mcap')
    expected = {
        'tum': TumSource,
        'one.png': ImageFolderSource,
        '.': ImageFolderSource,
        'list.json': FrameListSource,
        'v.mp4': VideoSource,
        'bag': RosbagSource,
        str(storage): RosbagSource,
    }
    for name, kind in expected.items():
        source = open_source(str(tmp_path / name))
        assert type(source) is kind
        assert len(list(source)) == len(source) == 1


def test_options_reach_the_source(tmp_path):
    cv2.imwrite(str(tmp_path / 'one.png'), RGB)
    source = open_source(str(tmp_path), horizontal_fov_deg=90.0)
    assert next(iter(source)).intrinsics.fx == pytest.approx(16.0)
    with pytest.raises(SourceError, match=r"no such option: .*'speed'"):
        open_source(str(tmp_path), speed=3)


def test_what_was_looked_for_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"'nowhere' does not exist; a source is sim:SEED.*TUM"):
        open_source('nowhere')
    (tmp_path / 'notes.txt').write_text('')
    with pytest.raises(
        SourceError, match=r'the kind of .*notes\.txt is unknown; a source is sim:'
    ):
        open_source(str(tmp_path / 'notes.txt'))
    with pytest.raises(SourceError, match='contains no image'):
        open_source(str(tmp_path))
    for word in ('sim:', 'sim:x', 'sim:1:2:3:4', 'sim:-1', 'sim:²', 'sim:٣', 'sim:' + '9' * 5000):
        with pytest.raises(SourceError, match='must be sim:SEED, sim:SEED:FRAMES or'):
            open_source(word)


@pytest.mark.parametrize('name', ['sim:3.png', 'rec-2024-11-14T22:57:44.png', 'rooms:1:2.png'])
def test_a_file_is_a_file_whatever_its_name(tmp_path, monkeypatch, name):
    cv2.imwrite(str(tmp_path / name), RGB)
    monkeypatch.chdir(tmp_path)
    (frame,) = open_source(name)
    assert frame.name == name.removesuffix('.png')


@pytest.mark.parametrize('word', ['a\0b', 'x' * 5000, ''])
def test_what_cannot_be_a_file_is_named(word):
    with pytest.raises(
        SourceError, match=r'does not exist|contains no image|the kind of .* is unknown'
    ):
        open_source(word)


def test_the_home_of_nobody_is_named():
    with pytest.raises(InputError, match=r'~nobody-of-this-name/x\.png: no such home folder'):
        open_source('~nobody-of-this-name/x.png')


def test_bits_of_16_bit_images_reach_every_kind_of_files(tmp_path):
    cv2.imwrite(str(tmp_path / 'deep.png'), np.full((24, 32), 2000, np.uint16))
    (tmp_path / 'list.json').write_text(json.dumps([{'rgb': 'deep.png'}]))
    (tmp_path / 'tum').mkdir()
    (tmp_path / 'tum' / 'rgb.txt').write_text('1.0 ../deep.png\n')
    for name in ('deep.png', 'list.json', 'tum'):
        for bits, value in ((12, 125), (14, 31)):
            source = open_source(str(tmp_path / name), recording={'image_bits': bits})
            assert int(next(iter(source)).rgb_HW3[0, 0, 0]) == value


def test_notices_reach_the_caller(tmp_path):
    (tmp_path / 'rgb.txt').write_text('1403636579763555584 one.png\n')
    lines = []
    open_source(str(tmp_path), log=lines.append)
    assert ['read as ns' in line for line in lines] == [True]


def test_simulated_camera():
    source = open_source('sim:3:2', width=64, height=48)
    frames = list(source)
    assert len(frames) == len(source) == 2
    for frame in frames:
        assert frame.rgb_HW3.shape == (48, 64, 3)
        assert np.isfinite(frame.depth_m_HW).any()
        assert frame.map_from_camera.shape == (4, 4)


def test_rooms_give_the_first_frame_of_each():
    source = open_source('rooms:3:2', width=64, height=48)
    assert len(source) == 2
    assert source.name == 'rooms_3_to_4'
    frames = list(source)
    for frame, seed in zip(frames, (3, 4)):
        alone = next(iter(open_source(f'sim:{seed}:1', width=64, height=48)))
        assert np.array_equal(frame.rgb_HW3, alone.rgb_HW3)
        assert frame.intrinsics == alone.intrinsics
    assert frames[0].stamp_ns < frames[1].stamp_ns


def test_rooms_want_two_numbers(subtests):
    for word in ['rooms:', 'rooms:1', 'rooms:1:x', 'rooms:1:2:3']:
        with (
            subtests.test(word=word),
            pytest.raises(SourceError, match='must be rooms:SEED:ROOMS'),
        ):
            open_source(word)


def test_no_rooms_are_refused():
    with pytest.raises(SourceError, match='0 rooms'):
        open_source('rooms:1:0')


def test_an_empty_word_is_not_the_current_folder(tmp_path, monkeypatch):
    """A shell leaves one where a variable is not set."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((20, 30, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="'' does not exist"):
        open_source('')


@pytest.mark.parametrize(
    ('options', 'refused'),
    [
        ({'depth_topic': 'none'}, "depth_topic = 'none' has no effect"),
        ({'info_topic': 'none'}, "info_topic = 'none' has no effect"),
        ({'pose_topic': 'none'}, "pose_topic = 'none' has no effect"),
        ({'image_topic': '/cam'}, "image_topic = '/cam' has no effect"),
        ({'max_gap_s': 0.5}, 'pose_tolerance_ms = 500 has no effect on a source of this kind'),
    ],
)
@pytest.mark.parametrize('name', ['one.png', 'sim:1:1'])
def test_options_of_bags_are_refused_elsewhere(tmp_path, monkeypatch, name, options, refused):
    cv2.imwrite(str(tmp_path / 'one.png'), RGB)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=refused):
        open_source(name, recording=options)


def test_options_that_a_source_shares_and_defaults_are_not_refused(tmp_path):
    (tmp_path / 'rgb.txt').write_text('1.0 one.png\n')
    settings = RecordingSettings(pose_tolerance_ms=50.0, image_bits=12)
    assert open_source(str(tmp_path), recording=settings.bag_options()).max_gap_ns == 50_000_000
    defaults = RecordingSettings(pose_topic='none').bag_options()
    assert len(open_source('sim:1:1', recording=defaults, poses=False)) == 1
    with pytest.raises(SourceError, match='image_bits = 12 has no effect'):
        open_source('sim:1:1', recording=settings.bag_options() | {'max_gap_s': 0.02})


@pytest.mark.parametrize('name', ['rgb.txt', 'depth.txt', 'groundtruth.txt', 'calibration.yaml'])
def test_for_a_file_of_a_recording_its_folder_is_named(tmp_path, name):
    for file in ('rgb.txt', name):
        (tmp_path / file).write_text('1.0 one.png\n')
    with pytest.raises(SourceError, match=rf'a part of the recording {tmp_path}; give that'):
        open_source(str(tmp_path / name))


def test_for_the_metadata_of_a_bag_its_folder_is_named(tmp_path):
    bag = bags.write_bag(tmp_path / 'bag', [('/i', 5, bags.image(5, RGB, 'rgb8'))])
    with pytest.raises(SourceError, match=rf'a part of the bag {bag}; give that folder'):
        open_source(str(bag / 'metadata.yaml'))


@pytest.mark.parametrize(
    ('name', 'told'),
    [
        ('my run.bag', "of ROS 1; .*: rosbags-convert --src '.*/my run.bag' --dst 'my run'$"),
        ('rec.mcap.zst', 'is an archive; unpack it and give what is inside'),
        ('photos.ZIP', 'is an archive; unpack it'),
    ],
)
def test_what_must_be_converted_or_unpacked_first_is_told_so(tmp_path, name, told):
    (tmp_path / name).touch()
    with pytest.raises(SourceError, match=told):
        open_source(str(tmp_path / name))


@pytest.mark.parametrize('start', ['file://', 'FILE:', 'file://localhost'])
def test_for_the_address_of_a_file_its_path_is_named(start):
    with pytest.raises(SourceError, match=r"give the path instead: '/data/my photo\.jpg'$"):
        open_source(f'{start}/data/my%20photo.jpg')


@pytest.mark.parametrize('address', ['rtsp://10.0.0.1/live', 'HTTPS://a.org/x.mp4'])
def test_an_address_is_no_source(address):
    with pytest.raises(SourceError, match=r'streams and addresses are not read: download the'):
        open_source(address)
