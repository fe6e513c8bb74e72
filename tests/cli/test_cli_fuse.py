# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``fuse`` on small real input: mesh, trajectory, dropped frames, refusals."""

from collections import Counter
from functools import partial
import json
import signal

import cv2
from depth_refiner_ros.apps.inference import depth_named
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.recording import SequenceWriter
from depth_refiner_ros.mapping.trajectory import read_tum
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.settings.networks import ModelSettings
import numpy as np
import pytest
from rerun.chunk import RrdReader

from tests.cli.recordings import CAMERA, frame_list, PLAIN, STEP_NS, wall, WALL_M


@pytest.mark.parametrize('poses', [True, False])
def test_fuse_gives_a_flat_wall_from_poses_and_from_odometry(depth_refiner, tmp_path, poses):
    wall(tmp_path / 'wall', 4, poses=poses)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out', '--json', 'copy.json')
    assert ended.returncode == 0, ended.stderr
    out = tmp_path / 'out'
    names = {path.name for path in out.iterdir()}
    assert {'report.html', 'panel.png', 'mesh.ply', 'trajectory.txt', 'summary.json'} <= names
    mesh = read_ply(out / 'mesh.ply')
    np.testing.assert_allclose(mesh.vertices_m_N3[:, 2], WALL_M, atol=2e-3)
    width_m = np.ptp(mesh.vertices_m_N3[:, 0])
    assert width_m == pytest.approx(2 * WALL_M * np.tan(np.radians(30.0)), abs=0.1)
    poses_N44 = read_tum(out / 'trajectory.txt').map_from_camera_N44
    np.testing.assert_allclose(poses_N44, np.tile(np.eye(4), (4, 1, 1)), atol=2e-3)
    summary = json.loads((out / 'summary.json').read_text())
    assert (summary['frames_in'], summary['frames_out'], summary['dropped']) == (4, 4, {})
    assert summary['mesh']['triangles'] == len(mesh.triangles_M3)
    assert summary['trajectory'] is None
    assert 'networks run on cpu' in ended.stderr
    report = (out / 'report.html').read_text()
    assert '<th>networks</th><td><div>networks run on cpu in ' in report
    tracked = 'odometry of images and measured depth'
    assert [tracked in text for text in (report, ended.stderr)] == [not poses] * 2


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({}, 'refined depth'),
        ({'prior': 'sensor'}, 'refined depth'),
        ({'prior': 'sensor', 'refiner': 'none'}, 'measured depth'),
        ({'refiner': 'none'}, 'depth of the prior bundled'),
    ],
)
def test_depth_that_the_camera_is_tracked_by_is_named(settings, words):
    assert depth_named(ModelSettings(**settings)) == words


def test_fuse_of_every_second_frame(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 5)
    ended = depth_refiner(
        'fuse',
        'wall',
        *PLAIN,
        'sensor',
        '--every',
        '2',
        '--frames',
        '2',
        '--out',
        'out',
        '--scene',
        'scene.rrd',
    )
    assert ended.returncode == 0, ended.stderr
    rows = Counter()
    for chunk in RrdReader(tmp_path / 'scene.rrd').stream():
        rows[str(chunk.entity_path)] += chunk.num_rows
    assert (rows['/map/camera/view/depth'], rows['/map/mesh']) == (2, 1)
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [STEP_NS, 3 * STEP_NS])


def test_depth_of_few_pixels_leaves_the_mesh_without_a_score(depth_refiner, tmp_path):
    """As of a lidar: the depth of the source alone is no surface to compare with."""
    sparse_m_HW = np.full((48, 64), np.nan, np.float32)
    sparse_m_HW[::16, ::16] = WALL_M
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    with SequenceWriter(tmp_path / 'lidar', CAMERA) as writer:
        for index in range(3):
            writer.add(STEP_NS * (index + 1), noise, sparse_m_HW, np.eye(4))
    command = ('fuse', 'lidar', '--refiner', 'none', '--out', 'out', '--json', 'copy.json')
    ended = depth_refiner(*command, '--volume', 'map.safetensors')
    assert ended.returncode == 0, ended.stderr
    line = 'the mesh is not compared with the true depth of lidar: no '
    assert line in ' '.join(ended.stderr.split())
    assert line in (tmp_path / 'out' / 'report.html').read_text()
    assert json.loads((tmp_path / 'copy.json').read_text())['mesh']['accuracy_mm'] is None
    assert len(read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N) == 3
    assert (tmp_path / 'map.safetensors').exists()


def without_line(path, index):
    lines = path.read_text().splitlines(keepends=True)
    del lines[1 + index]
    path.write_text(''.join(lines))


def test_a_volume_has_one_writer_at_a_time(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 2)
    (tmp_path / 'link.safetensors').symlink_to(tmp_path / 'map.safetensors')
    with locked_file(tmp_path / 'map.safetensors'):
        ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--volume', 'link.safetensors')
    assert ended.returncode == 2, ended.stderr
    assert 'map.safetensors is being written by process' in ' '.join(ended.stderr.split())
    assert not (tmp_path / 'map.safetensors').exists()


def test_fuse_goes_on_with_the_volume_that_it_kept(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 2)
    command = ['fuse', 'wall', *PLAIN, 'sensor', '--volume', 'map.safetensors', '--out', 'out']
    first = depth_refiner(*command)
    second = depth_refiner(*command, '--tsdf-min-weight', '4')
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert 'map.safetensors does not exist yet' in first.stderr
    assert 'the map goes on after 2 frames' in second.stderr
    assert len(read_ply(tmp_path / 'out' / 'mesh.ply').triangles_M3) > 1000
    # What was kept before is not of this recording, so nothing is compared with it.
    assert (
        json.loads((tmp_path / 'out' / 'summary.json').read_text())['mesh']['accuracy_mm'] is None
    )
    wall(tmp_path / 'unplaced', 2, poses=False)
    refused = depth_refiner('fuse', 'unplaced', *command[2:])
    assert refused.returncode == 2
    assert 'has its own origin' in refused.stderr


KILLED = """
import os, signal
replace = os.replace
def replace_or_die(part, target):
    if target.suffix == '.safetensors':
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, target)
os.replace = replace_or_die
from depth_refiner_ros.cli.main import main
main()
"""


def test_the_run_after_a_killed_one_says_which_frames_were_lost(depth_refiner, program, tmp_path):
    wall(tmp_path / 'wall', 2)
    command = ['fuse', 'wall', *PLAIN, 'sensor', '--volume', 'map.safetensors', '--out', 'out']
    assert depth_refiner(*command).returncode == 0
    assert program(*command, code=KILLED).returncode == -signal.SIGKILL
    again = depth_refiner(*command)
    assert again.returncode == 0, again.stderr
    assert 'the map goes on after 2 frames' in again.stderr
    line = 'without saving its last 2 frames (3 to 4)'
    assert line in ' '.join(again.stderr.split())
    assert line in (tmp_path / 'out' / 'report.html').read_text()
    assert not (tmp_path / '.map.safetensors.frames').exists()


def test_fuse_counts_frames_without_depth_and_without_pose(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 5)
    without_line(folder / 'depth.txt', 0)
    without_line(folder / 'groundtruth.txt', 2)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out', '--json', 'copy.json')
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'copy.json').read_text())
    assert (summary['frames_in'], summary['frames_out']) == (5, 3)
    assert summary['dropped'] == {'no depth': 1, 'no pose': 1}
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [2 * STEP_NS, 4 * STEP_NS, 5 * STEP_NS])


@pytest.mark.parametrize(
    ('east_m', 'reason', 'message'),
    [
        (1e8, 'no pose', 'wall/groundtruth.txt, line 4: position 1e+08 0 0 cannot be metres in a'),
        (5.4e6, 'unusable pose', '0.300000000: position 5.4e+06 0 0 is so far from the origin'),
    ],
)
def test_fuse_loses_the_one_frame_whose_pose_is_too_far_away(
    depth_refiner, tmp_path, east_m, reason, message, recwarn
):
    poses = wall(tmp_path / 'wall', 5) / 'groundtruth.txt'
    lines = poses.read_text().splitlines()
    lines[3] = f'0.3 {east_m:.0f} 0 0 0 0 0 1'
    poses.write_text('\n'.join(lines))
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert message in ended.stderr
    assert ended.stdout.splitlines()[-1] == f'1 of 5 frames lost: 1 {reason}'
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [STEP_NS * n for n in (1, 2, 4, 5)])
    assert [warning for warning in recwarn if 'invalid value' in str(warning.message)] == []


def moved_away(folder, *lines):
    """Put some frames of a recording 30 m away."""
    poses = (folder / 'groundtruth.txt').read_text().splitlines()
    for line in lines:
        poses[line] = f'{line / 10} 30 0 0 0 0 0 1'
    (folder / 'groundtruth.txt').write_text('\n'.join(poses))


def test_frames_without_room_in_the_volume_are_lost(depth_refiner, tmp_path, monkeypatch):
    small = partial(TsdfVolume, max_memory_mb=8.0)
    monkeypatch.setattr('depth_refiner_ros.mapping.mapper.TsdfVolume', small)
    moved_away(wall(tmp_path / 'wall', 5), 3)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    line = 'frame lost (no room in the volume): 0.300000000: the volume would grow to '
    assert line in ended.stderr
    assert ended.stdout.splitlines()[-1] == '1 of 5 frames lost: 1 no room in the volume'
    stamps = read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N
    np.testing.assert_array_equal(stamps, [STEP_NS * n for n in (1, 2, 4, 5)])


@pytest.mark.parametrize(('prior', 'compared'), [('smeared', True), ('sensor', False)])
def test_mesh_of_a_recording_is_compared_with_that_of_its_depth(
    depth_refiner, tmp_path, prior, compared
):
    wall(tmp_path / 'wall', 2)
    ended = depth_refiner('fuse', 'wall', *PLAIN, prior, '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    assert ("; compared with the mesh of the recording's own depth" in ended.stdout) is compared
    assert ('Accuracy: distance' in (tmp_path / 'out' / 'report.html').read_text()) is compared


def test_without_room_for_the_true_depth_there_is_no_score(depth_refiner, tmp_path, monkeypatch):
    limits_mb = iter([4096.0, 8.0])
    monkeypatch.setattr(
        'depth_refiner_ros.mapping.mapper.TsdfVolume',
        lambda *args, **options: TsdfVolume(*args, **options, max_memory_mb=next(limits_mb)),
    )
    moved_away(wall(tmp_path / 'wall', 4), 3, 4)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'smeared', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    line = 'the mesh is not compared with the true depth of wall: the volume would grow to '
    assert line in ' '.join(ended.stderr.split())
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert (summary['frames_out'], summary['mesh']['accuracy_mm']) == (4, None)


@pytest.mark.parametrize(
    ('file', 'reason', 'message'),
    [
        ('calibration.yaml', 'no intrinsics', 'has no camera model; give the'),
        ('depth.txt', 'no depth', 'has no depth, which --prior sensor starts from; use --prior'),
    ],
)
def test_fuse_says_what_every_frame_lacks(depth_refiner, tmp_path, file, reason, message):
    (wall(tmp_path / 'wall', 3) / file).unlink()
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert f'frame lost ({reason}): 0.100000000 {message}' in ended.stderr
    assert ended.stderr.count(message) == 1
    last = f'cannot fuse wall: all 3 frames are lost (3 {reason}); the lines above say why'
    assert ended.stderr.splitlines()[-1] == f'depth-refiner: {last}'


def test_odometry_starts_at_the_pose_of_the_source(depth_refiner, tmp_path):
    moved = np.eye(4)
    moved[:3, 3] = (5.0, -1.0, 2.0)
    wall(tmp_path / 'wall', 3, pose=moved)
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--odometry', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    report = (tmp_path / 'out' / 'report.html').read_text()
    assert 'poses from odometry of images and measured depth' in report
    assert 'Trajectory against true poses' in report
    poses_N44 = read_tum(tmp_path / 'out' / 'trajectory.txt').map_from_camera_N44
    np.testing.assert_allclose(poses_N44, np.tile(moved, (3, 1, 1)), atol=2e-3)
    error = json.loads((tmp_path / 'out' / 'summary.json').read_text())['trajectory']
    assert error['poses'] == 3
    assert error['ate_mm'] < 2
    assert f'trajectory: ATE {error["ate_mm"]:.1f} mm over 3 true poses' in ended.stdout


def test_a_map_that_goes_on_is_tracked_from_the_pose_of_the_first_frame(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 4)
    without_line(folder / 'groundtruth.txt', 2)
    command = ['fuse', 'wall', *PLAIN, 'sensor', '--volume', 'map.safetensors', '--out', 'out']
    assert depth_refiner(*command).returncode == 0
    tracked = depth_refiner(*command, '--odometry')
    assert tracked.returncode == 0, tracked.stderr
    assert len(read_tum(tmp_path / 'out' / 'trajectory.txt').stamps_ns_N) == 4
    without_line(folder / 'groundtruth.txt', 0)
    refused = depth_refiner(*command, '--odometry')
    assert refused.returncode == 2
    assert 'has its own origin' in refused.stderr


def test_fuse_without_surface_says_why(depth_refiner, tmp_path):
    wall(tmp_path / 'wall')
    ended = depth_refiner(
        'fuse', 'wall', *PLAIN, 'sensor', '--tsdf-max-range-m', '1.0', '--out', 'out'
    )
    assert ended.returncode == 2
    assert 'no pixel was between 0.1 and 1 m' in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('frames.json', '--min-depth-m', '5', '--max-depth-m', '2'), 'must be below'),
        (('a.png',), 'has no depth'),
    ],
)
def test_eval_refuses_what_it_cannot_measure(depth_refiner, tmp_path, arguments, message):
    frame_list(tmp_path)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    ended = depth_refiner('eval', *arguments, *PLAIN, 'sensor')
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]


def test_depth_too_far_from_its_images_names_the_gap_and_the_flag(depth_refiner, tmp_path):
    index = wall(tmp_path / 'wall', 3) / 'depth.txt'
    lines = [line.split() for line in index.read_text().splitlines()[1:]]
    index.write_text(''.join(f'{float(stamp) + 5} {file}\n' for stamp, file in lines))
    ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    (told,) = [line for line in ended.stderr.splitlines() if 'frame lost' in line][:1]
    assert told.endswith(
        'the nearest depth is 5000.0 ms away from the image; compare the clocks, or set a larger '
        '--pose-tolerance-ms than 20, or use --prior bundled'
    )


def test_too_few_frames_for_a_surface_say_how_many_were_lost(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'wall', 3)
    poses = (folder / 'groundtruth.txt').read_text().splitlines()
    (folder / 'groundtruth.txt').write_text('\n'.join(poses[:2]) + '\n')
    ended = depth_refiner(
        'fuse', 'wall', *PLAIN, 'sensor', '--out', 'out', '--tsdf-min-weight', '2'
    )
    assert ended.returncode == 2
    assert 'the nearest pose is 100.0 ms away from the image' in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert 'no surface was seen 2 times in 1 frame' in last
    assert last.endswith('2 of 3 frames lost: 2 no pose')


def test_options_of_bags_and_results_among_the_source_are_refused(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 2)
    for flag in ('--depth-topic', '--pose-topic'):
        ended = depth_refiner('fuse', 'wall', *PLAIN, 'sensor', flag, 'none')
        assert ended.returncode == 2
        assert f"so {flag} 'none' has no effect; leave it out" in ended.stderr
    for command in ('refine', 'fuse'):
        ended = depth_refiner(command, 'wall', *PLAIN, 'sensor', '--out', 'wall/rgb')
        assert ended.returncode == 2
        assert 'wall/rgb holds files of the source wall' in ended.stderr
    assert sorted(path.suffix for path in (tmp_path / 'wall' / 'rgb').iterdir()) == ['.png'] * 2
