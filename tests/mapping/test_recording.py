# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import os

import cv2
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError, OutputError
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.mapping.live_recording import LiveRecording
from depth_refiner_ros.mapping.recording import encoded_depth, SequenceWriter
from depth_refiner_ros.mapping.trajectory import HEADER, read_tum, tum_line
from depth_refiner_ros.sources.tum import TumSource
import numpy as np
import pytest
import yaml

from tests.full_disk import full_disk
from tests.processes import python

CAMERA = Intrinsics(fx=50.5, fy=51.5, cx=31.25, cy=23.75, width=64, height=48)
RGB = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
DEPTH = np.linspace(0.5, 4.0, 48 * 64, dtype=np.float32).reshape(48, 64)


def test_depth_is_finite_rounded_and_zero_where_unknown():
    depth = np.array([[np.nan, np.inf, -np.inf, 0.0, -1.0, 1.00009, 13.1068, 13.107]], np.float32)
    written = encoded_depth(depth, 5000.0)
    assert written.tolist() == [[0, 0, 0, 0, 0, 5000, 65534, 0]], '65535 is no measurement'


def test_folder_has_tum_layout(tmp_path, turn):
    with SequenceWriter(tmp_path / 's', CAMERA) as writer:
        for step in range(3):
            writer.add(1_500_000_000_123_456_789 + step * 10**8, RGB, DEPTH, turn(10 * step))
        assert len(writer) == 3
    folder = tmp_path / 's'
    assert sorted(os.listdir(folder)) == [
        'calibration.yaml',
        'depth',
        'depth.txt',
        'groundtruth.txt',
        'rgb',
        'rgb.txt',
    ]
    lines = (folder / 'depth.txt').read_text().splitlines()
    assert lines[0].startswith('#')
    assert lines[1] == '1500000000.123456789 depth/1500000000.123456789.png'
    depth = cv2.imread(str(folder / lines[1].split()[1]), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    np.testing.assert_allclose(depth / 5000.0, DEPTH, atol=0.5 / 5000 + 1e-6)
    color = cv2.imread(str(folder / 'rgb' / '1500000000.123456789.png'))
    np.testing.assert_array_equal(color[..., ::-1], RGB)
    poses = read_tum(folder / 'groundtruth.txt')
    np.testing.assert_allclose(poses.map_from_camera_N44[2], turn(20), atol=1e-8)
    calibration = yaml.safe_load((folder / 'calibration.yaml').read_text())
    assert calibration == {
        'width': 64,
        'height': 48,
        'fx': 50.5,
        'fy': 51.5,
        'cx': 31.25,
        'cy': 23.75,
        'distortion': [0.0] * 5,
        'depth_scale': 5000.0,
    }


def test_monogs_finds_its_keys(tmp_path, turn):
    with SequenceWriter(tmp_path / 'm', CAMERA, depth_scale=1000.0, profile='monogs') as writer:
        writer.add(1, RGB, DEPTH, turn(0))
    config = yaml.safe_load((tmp_path / 'm' / 'monogs.yaml').read_text())
    assert config['inherit_from'] == 'configs/rgbd/tum/base_config.yaml'
    assert config['Dataset'] == {
        'type': 'tum',
        'sensor_type': 'depth',
        'dataset_path': str((tmp_path / 'm').resolve()),
        'Calibration': {
            'width': 64,
            'height': 48,
            'fx': 50.5,
            'fy': 51.5,
            'cx': 31.25,
            'cy': 23.75,
            'k1': 0.0,
            'k2': 0.0,
            'p1': 0.0,
            'p2': 0.0,
            'k3': 0.0,
            'depth_scale': 1000.0,
            'distorted': False,
        },
    }
    # MonoGS parses the lists with numpy, one space between the words, and skips one pose line.
    lines = (tmp_path / 'm' / 'rgb.txt').read_text().splitlines()
    assert [len(line.split(' ')) for line in lines if line[0] != '#'] == [2]
    poses = np.loadtxt(tmp_path / 'm' / 'groundtruth.txt', delimiter=' ', skiprows=1, ndmin=2)
    np.testing.assert_allclose(poses[0, 1:], [0, 0, 0, 0, 0, 0, 1])


def test_without_poses_monogs_gets_identities_but_nobody_else_is_told(tmp_path):
    with SequenceWriter(tmp_path / 'm', CAMERA, profile='monogs') as writer:
        writer.add(1, RGB, DEPTH)
        writer.add(2, RGB, DEPTH)
    assert not (tmp_path / 'm' / 'groundtruth.txt').exists()
    poses = read_tum(tmp_path / 'm' / 'pose.txt')
    np.testing.assert_array_equal(poses.map_from_camera_N44, np.tile(np.eye(4), (2, 1, 1)))


def test_identities_for_monogs_are_appended_frame_by_frame(tmp_path, turn):
    stamps_ns = (1_000_000_000, 2_500_000_000)
    with SequenceWriter(tmp_path / 'm', CAMERA, profile='monogs') as writer:
        before = (tmp_path / 'm' / 'pose.txt').stat()
        for count, stamp_ns in enumerate(stamps_ns, 1):
            writer.add(stamp_ns, RGB, DEPTH)
            lines = [tum_line(stamp_ns, np.eye(4)) for stamp_ns in stamps_ns[:count]]
            assert (tmp_path / 'm' / 'pose.txt').read_text() == HEADER + ''.join(lines)
        assert (tmp_path / 'm' / 'pose.txt').stat().st_ino == before.st_ino
        writer.add(3_000_000_000, RGB, DEPTH, turn(10))
        writer.add(4_000_000_000, RGB, DEPTH)
    assert len(read_tum(tmp_path / 'm' / 'pose.txt').stamps_ns_N) == 2
    assert read_tum(tmp_path / 'm' / 'groundtruth.txt').stamps_ns_N.tolist() == [3_000_000_000]


def test_full_disk_is_one_clear_error_and_recording_goes_on(tmp_path):
    writer = SequenceWriter(tmp_path / 's', CAMERA)
    writer.add(1, RGB, DEPTH)
    with full_disk(2000), pytest.raises(OutputError, match=r'rgb/.*free some space'):
        writer.add(2, RGB, DEPTH)
    writer.add(3, RGB, DEPTH)
    writer.close()
    index = (tmp_path / 's' / 'rgb.txt').read_text().splitlines()[1:]
    assert [line.split()[0] for line in index] == ['0.000000001', '0.000000003']
    assert sorted(os.listdir(tmp_path / 's' / 'rgb')) == ['0.000000001.png', '0.000000003.png']


def test_a_frame_whose_depth_fails_leaves_no_color_behind(tmp_path):
    writer = SequenceWriter(tmp_path / 's', CAMERA)
    flat = np.zeros_like(RGB)
    noisy = np.random.default_rng(1).uniform(0.5, 9, DEPTH.shape).astype(np.float32)
    with full_disk(2000), pytest.raises(OutputError, match='depth/'):
        writer.add(1, flat, noisy)
    assert os.listdir(tmp_path / 's' / 'rgb') == os.listdir(tmp_path / 's' / 'depth') == []


RECORDER = """
import sys
from pathlib import Path
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.recording import SequenceWriter
import numpy as np
camera = Intrinsics(fx=50.5, fy=51.5, cx=31.25, cy=23.75, width=64, height=48)
writer = SequenceWriter(Path(sys.argv[1]), camera)
for step in range(31):
    writer.add(step, np.zeros((48, 64, 3), np.uint8), np.ones((48, 64), np.float32), np.eye(4))
print(flush=True)
sys.stdin.read()
"""


def test_a_killed_recorder_loses_no_frame(tmp_path):
    with python(RECORDER, tmp_path / 's'):
        pass
    for name in ('rgb', 'depth'):
        lines = (tmp_path / 's' / f'{name}.txt').read_text().splitlines()[1:]
        assert len(lines) == 31
        assert all((tmp_path / 's' / line.split()[1]).is_file() for line in lines)
    assert len(read_tum(tmp_path / 's' / 'groundtruth.txt').stamps_ns_N) == 31


def test_pictures_are_on_the_disk_before_the_lists_that_name_them(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def noted(descriptor):
        synced.append(os.path.basename(os.readlink(f'/proc/self/fd/{descriptor}')))
        fsync(descriptor)

    writer = SequenceWriter(tmp_path / 's', CAMERA)
    monkeypatch.setattr(os, 'fsync', noted)
    for step in range(30):
        writer.add(step, RGB, DEPTH)
    assert len([name for name in synced if name.endswith('.png')]) == 60
    assert synced[-4:] == ['rgb', 'depth', 'rgb.txt', 'depth.txt']


def test_a_full_disk_at_the_lists_leaves_no_frame_in_part(tmp_path, turn):
    writer = SequenceWriter(tmp_path / 's', CAMERA)
    flat, far = np.zeros_like(RGB), np.ones_like(DEPTH)
    for step in range(10):
        writer.add(step, flat, far, turn(0))
    size = (tmp_path / 's' / 'rgb.txt').stat().st_size  # groundtruth.txt is longer: it fails last
    with full_disk(size + 200), pytest.raises(OutputError, match=r'groundtruth\.txt'):
        writer.add(10, flat, far, turn(0))
    writer.add(11, flat, far, turn(0))
    writer.close()
    for name in ('rgb', 'depth', 'groundtruth'):
        lines = (tmp_path / 's' / f'{name}.txt').read_text().splitlines()
        assert [line.split()[0] for line in lines[-2:]] == ['0.000000009', '0.000000011']
    assert (
        len(os.listdir(tmp_path / 's' / 'rgb')) == len(os.listdir(tmp_path / 's' / 'depth')) == 11
    )


def test_a_second_recorder_is_told_of_the_first(tmp_path):
    with locked_folder(tmp_path / 's'), pytest.raises(OutputError, match='s is being written by'):
        SequenceWriter(tmp_path / 's', CAMERA)
    assert list(tmp_path.rglob('*.txt')) == []
    with SequenceWriter(tmp_path / 's', CAMERA) as writer:
        writer.close()


@pytest.mark.parametrize(
    ('seconds', 'ahead'),
    [
        ([0, 0.1, 0.2, 900, 0.3, 0.4], [900]),
        ([900, 0, 0.1], [900]),
        ([0, 900, 800, 0.1, 900, 0.2], [900, 800, 900]),
        ([0, 0.1, 900, 900.1, 900.2], []),
        ([0, 5, 10, 15], []),
        ([0], []),
    ],
    ids=['one ahead', 'the first', 'several', 'a pause', 'a slow camera', 'one alone'],
)
def test_a_live_frame_ahead_of_those_after_it_is_left_out(tmp_path, seconds, ahead):
    stamps = [10**9 + round(second * 10**9) for second in seconds]
    left_out = []
    writer = LiveRecording(SequenceWriter(tmp_path / 's', CAMERA), left_out.append)
    for stamp in stamps:
        writer.add(stamp, np.full_like(RGB, stamp % 251), DEPTH)
    writer.close()
    assert left_out == [10**9 * (1 + second) for second in ahead]
    frames = list(TumSource(tmp_path / 's'))
    kept = sorted(set(stamps) - set(left_out))
    assert [frame.stamp_ns for frame in frames] == kept
    assert [int(frame.rgb_HW3[0, 0, 0]) for frame in frames] == [stamp % 251 for stamp in kept]


def test_a_live_frame_that_is_held_costs_no_other_one(tmp_path):
    writer = LiveRecording(SequenceWriter(tmp_path / 's', CAMERA), pytest.fail)
    writer.add(1, RGB, DEPTH)
    with pytest.raises(MappingError, match='does not come after'):
        writer.add(1, RGB, DEPTH)
    with full_disk(2000), pytest.raises(OutputError, match='free some space'):
        writer.add(2, RGB, DEPTH)
    writer.add(3, RGB, DEPTH)
    writer.close()
    writer.close()
    assert [frame.stamp_ns for frame in TumSource(tmp_path / 's')] == [2, 3]


def test_misuse_is_named(tmp_path):
    writer = SequenceWriter(tmp_path / 's', CAMERA)
    writer.add(5, RGB, DEPTH)
    with pytest.raises(MappingError, match='does not come after'):
        writer.add(5, RGB, DEPTH)
    with pytest.raises(MappingError, match='do not fit the recording of 64x48'):
        writer.add(6, RGB, DEPTH[:10])
    with pytest.raises(MappingError, match='float'):
        writer.add(6, RGB.astype(np.float32), DEPTH)
    with pytest.raises(MappingError, match='rigid'):
        writer.add(6, RGB, DEPTH, 2 * np.eye(4))
    with pytest.raises(MappingError, match='choose a new folder'):
        SequenceWriter(tmp_path / 's', CAMERA)
    with pytest.raises(MappingError, match="'kitti' must be tum or monogs"):
        SequenceWriter(tmp_path / 'k', CAMERA, profile='kitti')
    with pytest.raises(MappingError, match='depth_scale = 0 '):
        SequenceWriter(tmp_path / 'k', CAMERA, depth_scale=0.0)
    (tmp_path / 'file').write_text('')
    with pytest.raises(OutputError, match='cannot make the folder'):
        SequenceWriter(tmp_path / 'file', CAMERA)
