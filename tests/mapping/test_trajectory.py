# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import re

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.trajectory import nearest_index, read_tum, Trajectory, write_tum
import numpy as np
import pytest

SECOND = 1_000_000_000


def along_x(*stamps_ns: int) -> Trajectory:
    poses = np.tile(np.eye(4), (len(stamps_ns), 1, 1))
    poses[:, 0, 3] = np.array(stamps_ns) / SECOND
    return Trajectory(stamps_ns_N=np.array(stamps_ns, dtype=np.int64), map_from_camera_N44=poses)


def test_tum_round_trip(tmp_path, turn):
    poses = np.stack([turn(angle, (0.1 * angle, -2.0, 3.5)) for angle in (0.0, 33.3, 150.0)])
    stamps = np.array([1, 2 * SECOND, 1305031102175304123])
    write_tum(
        tmp_path / 'new' / 't.txt', Trajectory(stamps_ns_N=stamps, map_from_camera_N44=poses)
    )
    read = read_tum(tmp_path / 'new' / 't.txt')
    np.testing.assert_array_equal(read.stamps_ns_N, stamps)
    np.testing.assert_allclose(read.map_from_camera_N44, poses, atol=5e-9)


def test_reads_the_format_as_published(tmp_path):
    (tmp_path / 't.txt').write_text(
        '# ground truth\n# timestamp tx ty tz qx qy qz qw\n\n'
        '1305031098.6659 1.3563 0.6305 1.6380 0.6132 0.5962 -0.3311 '
        '-0.3986\n'
    )
    read = read_tum(tmp_path / 't.txt')
    assert read.stamps_ns_N.tolist() == [1305031098665900000]
    np.testing.assert_allclose(read.map_from_camera_N44[0, :3, 3], [1.3563, 0.6305, 1.6380])


def test_broken_lines_are_left_out_and_logged(tmp_path, subtests):
    cases = [
        ('1 0 0 0 0 0 0', 'line 3: a pose line must be eight numbers, .* are 6: '),
        ('3 0 0 0 0 0 0 one', 'line 3: .*not a number'),
        ('2 0 0 0 0 0 0 1', 'line 3: stamp 2.0* s is that of line 2'),
        ('nan 0 0 0 0 0 0 1', "line 3: 'nan' is not a time"),
        ('-1 0 0 0 0 0 0 1', "line 3: '-1' is not a time"),
        ('1e999999999 0 0 0 0 0 0 1', 'line 3'),
        ('3 nan 0 0 0 0 0 1', 'line 3'),
        ('3 0 0 0 0 0 0 0.5', 'line 3.*length 0.5'),
        ('x 0 0 0 0 0 0 1', "line 3: 'x' is not a time"),
    ]
    for line, words in cases:
        with subtests.test(line=line):
            (tmp_path / 't.txt').write_text(f'1 0 0 0 0 0 0 1\n2 0 0 0 0 0 0 1\n{line}\n')
            lines = []
            read = read_tum(tmp_path / 't.txt', lines.append)
            assert read.stamps_ns_N.tolist() == [SECOND, 2 * SECOND]
            assert len(lines) == 1
            assert re.match(f'1 of 3 poses left out: .*{words}', lines[0])
            (tmp_path / 't.txt').write_text(f'{line}\n')
            if 'is that of' not in words:
                with pytest.raises(MappingError, match='line 1'):
                    read_tum(tmp_path / 't.txt')


def test_poses_are_sorted_by_stamp(tmp_path):
    (tmp_path / 't.txt').write_text('3 3 0 0 0 0 0 1\n1 1 0 0 0 0 0 1\n2 2 0 0 0 0 0 1\n')
    lines = []
    read = read_tum(tmp_path / 't.txt', lines.append)
    assert read.stamps_ns_N.tolist() == [SECOND, 2 * SECOND, 3 * SECOND]
    assert read.map_from_camera_N44[:, 0, 3].tolist() == [1.0, 2.0, 3.0]
    assert 'not in order of time' in lines[0]


def test_missing_and_binary_files_are_named(tmp_path):
    with pytest.raises(MappingError, match=r'none.txt'):
        read_tum(tmp_path / 'none.txt')
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(MappingError, match=r'b.txt'):
        read_tum(tmp_path / 'b.txt')


def test_poses_are_interpolated_and_hold_beyond_the_ends_for_the_gap():
    path = along_x(0, SECOND, 2 * SECOND, 10 * SECOND)
    gap = SECOND // 2
    assert path.at(SECOND // 4, max_gap_ns=gap)[0, 3] == pytest.approx(0.25)
    assert path.at(2 * SECOND, max_gap_ns=0)[0, 3] == 2.0
    assert path.at(9 * SECOND + gap, max_gap_ns=gap)[0, 3] == pytest.approx(9.5)
    assert path.at(6 * SECOND, max_gap_ns=gap) is None
    assert path.at(-gap, max_gap_ns=gap)[0, 3] == 0.0
    assert path.at(-gap - 1, max_gap_ns=gap) is None
    assert path.at(10 * SECOND + gap, max_gap_ns=gap)[0, 3] == 10.0
    assert path.at(10 * SECOND + gap + 1, max_gap_ns=gap) is None


def test_the_nearest_of_some_stamps():
    stamps = along_x(0, SECOND, 2 * SECOND).stamps_ns_N
    wanted = {-9: 0, SECOND // 2: 0, SECOND // 2 + 1: 1, 9 * SECOND: 2}
    assert {stamp: nearest_index(stamps, stamp) for stamp in wanted} == wanted


def test_empty_trajectory_knows_no_pose():
    empty = along_x()
    assert len(empty) == 0
    assert empty.at(0, max_gap_ns=SECOND) is None


def test_time_jumping_back_and_wrong_lengths_are_refused():
    with pytest.raises(MappingError, match='of pose 1'):
        along_x(2 * SECOND, SECOND)
    with pytest.raises(MappingError, match='1 stamps do not fit 2 poses'):
        Trajectory(stamps_ns_N=np.array([0]), map_from_camera_N44=np.tile(np.eye(4), (2, 1, 1)))
