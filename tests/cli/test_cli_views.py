# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``views`` on small recordings: what it writes, what it leaves out, refusals."""

import json
import shlex
import shutil

import cv2
from depth_refiner_ros.mapping.recording import SequenceWriter
import numpy as np
import pytest

from tests.apps.test_lpips import published
from tests.cli.recordings import CAMERA, PLAIN, STEP_NS, wall, WALL_M

SMALL = ('--splats-hold-back', '2', '--splats-steps', '3', '--splats-device', 'cpu')


def without_line(path, index):
    lines = path.read_text().splitlines(keepends=True)
    del lines[1 + index]
    path.write_text(''.join(lines))


def test_views_of_a_wall_are_rendered_and_compared(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 5)
    published(tmp_path)
    weights = ('--splats-lpips-weights', tmp_path)
    ended = depth_refiner(
        *('views', 'wall', *PLAIN, 'sensor', *SMALL, *weights),
        *('--splats-most', '200', '--out', 'out', '--json', 'copy.json'),
    )
    assert ended.returncode == 0, ended.stderr
    assert 'networks run on cpu' in ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary == json.loads((tmp_path / 'copy.json').read_text())
    assert (summary['views_fitted'], summary['views_held_back']) == (2, 3)
    # Every fourth of 64 columns and of the 44 rows with depth: one view gives all that may be.
    assert summary['splats'] == 16 * 11
    assert len(summary['per_view']) == 3
    assert set(summary['means']) == {'psnr_db', 'ssim', 'lpips'}
    psnr_db = summary['means']['psnr_db']
    assert psnr_db['prior'] == psnr_db['refined'], 'without a refiner both depths are one'
    assert psnr_db['difference'] == {'mean': 0.0, 'std': 0.0, 'better': 0}
    assert psnr_db['prior']['mean'] > 10.0
    assert summary['left_out'] is None
    pictures = sorted((tmp_path / 'out' / 'views').glob('*.png'))
    assert len(pictures) == 3
    assert cv2.imread(str(pictures[0])).shape[1] > 3 * 400
    report = (tmp_path / 'out' / 'report.md').read_text()
    assert f'| PSNR, dB ↑ | {psnr_db["prior"]["mean"]:.2f} ± 0.00 |' in report
    assert '| LPIPS ↓ |' in report
    assert report.splitlines()[2] in ended.stdout


def test_a_view_with_too_many_splats_gives_as_many_as_may_be(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 3)
    ended = depth_refiner(
        *('views', 'wall', *PLAIN, 'sensor', *SMALL, '--splats-most', '100', '--out', 'out')
    )
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary['splats'] == 100
    psnr_db = summary['means']['psnr_db']
    assert psnr_db['prior'] == psnr_db['refined'], 'both depths have theirs at the same pixels'
    assert psnr_db['prior']['mean'] > 10.0


def test_views_without_pose_are_lost_and_lpips_without_weights_is_left_out(
    depth_refiner, tmp_path
):
    folder = wall(tmp_path / 'wall', 5)
    without_line(folder / 'groundtruth.txt', 2)
    (tmp_path / 'empty').mkdir()
    weights = ('--splats-lpips-weights', 'empty')
    ended = depth_refiner('views', 'wall', *PLAIN, 'sensor', *SMALL, *weights, '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary['dropped'] == {'no pose': 1}
    assert (summary['views_fitted'], summary['views_held_back']) == (2, 2)
    assert set(summary['means']) == {'psnr_db', 'ssim'}
    assert 'LPIPS is left out' in summary['left_out']
    assert summary['left_out'] in (tmp_path / 'out' / 'report.md').read_text()


@pytest.mark.parametrize(
    ('frames', 'poses', 'options', 'message'),
    [
        (1, True, (), '1 view cannot be mapped and compared'),
        (3, True, ('--splats-width-px', '12'), 'images of 12x9 are too small for SSIM'),
    ],
)
def test_what_cannot_be_compared_is_refused_and_leaves_no_folder(
    depth_refiner, tmp_path, frames, poses, options, message
):
    wall(tmp_path / 'wall', frames, poses=poses)
    ended = depth_refiner('views', 'wall', *PLAIN, 'sensor', *SMALL, *options, '--out', 'out')
    assert ended.returncode == 2
    assert message in ended.stderr.splitlines()[-1]
    assert not (tmp_path / 'out').exists()


def test_a_source_without_poses_is_told_where_poses_come_from(depth_refiner, tmp_path):
    folder = wall(tmp_path / 'a wall', 3, poses=False)
    command = ('views', 'a wall', *PLAIN, 'sensor', *SMALL, '--out', 'out')
    ended = depth_refiner(*command)
    assert (ended.returncode, ended.stdout) == (2, '')
    line = ended.stderr.rstrip()
    assert line == (
        "depth-refiner: a wall has no poses; type depth-refiner fuse 'a wall' -o FUSED && "
        "cp FUSED/trajectory.txt 'a wall/groundtruth.txt'"
    )
    fuse, copy = (shlex.split(part) for part in line.partition('type ')[2].split(' && '))
    assert depth_refiner(*fuse[1:], *PLAIN, 'sensor').returncode == 0
    shutil.copy(tmp_path / copy[1], tmp_path / copy[2])
    assert (folder / 'groundtruth.txt').is_file()
    assert depth_refiner(*command).returncode == 0


def test_a_video_without_poses_is_told_what_has_some(depth_refiner, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    options = ('--prior', 'bundled', '--assume-fov-deg', '60')
    ended = depth_refiner('views', 'a.png', '--refiner', 'none', *options, '--out', 'out')
    assert 'a has no pose; give a recording with poses: a TUM folder with' in ended.stderr


@pytest.mark.slow
def test_the_refiner_changes_the_refined_map_alone(depth_refiner, tmp_path):
    draw = np.random.default_rng(0)
    with SequenceWriter(tmp_path / 'room', CAMERA) as writer:
        for index in range(4):
            rgb_HW3 = cv2.resize(draw.integers(0, 255, (6, 8, 3), dtype=np.uint8), (64, 48))
            depth_m_HW = np.full((48, 64), WALL_M, np.float32)
            depth_m_HW[10:30, 20:40] = WALL_M / 2
            writer.add(STEP_NS * (index + 1), rgb_HW3, depth_m_HW, np.eye(4))
    found = {}
    for refiner in ('none', 'apdepth'):
        options = ('--prior', 'smeared', '--refiner', refiner, '--backend', 'torch')
        ended = depth_refiner(
            *('views', 'room', *options, '--precision', 'fp32', *SMALL, '--json', 'r.json')
        )
        assert ended.returncode == 0, ended.stderr
        found[refiner] = json.loads((tmp_path / 'r.json').read_text())
    priors = [[view['prior'] for view in found[name]['per_view']] for name in found]
    assert priors[0] == priors[1]
    assert found['none']['per_view'][0]['refined'] == found['none']['per_view'][0]['prior']
    assert found['apdepth']['per_view'][0]['refined'] != found['apdepth']['per_view'][0]['prior']
