# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``refine`` on small real input: depth maps, panels, summary, refusals."""

import json

import cv2
from depth_refiner_ros.mapping.recording import SequenceWriter
import numpy as np

from tests.cli.recordings import CAMERA, PLAIN, STEP_NS, wall, WALL_M


def test_refine_writes_millimetres_metres_and_panels(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 3)
    ended = depth_refiner(
        'refine', 'wall', *PLAIN, 'sensor', '--panels', '1', '--out', 'out', '--json', 'copy.json'
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == '3 depth maps in out\n'
    # What ran, and under which licence, is told beside the result.
    assert 'networks run on cpu' in ended.stderr
    depth_files = sorted((tmp_path / 'out' / 'wall').glob('*.npy'))
    assert len(depth_files) == 3
    depth_m_HW = np.load(depth_files[0])
    assert np.isnan(depth_m_HW[:4]).all()
    np.testing.assert_allclose(depth_m_HW[4:], WALL_M)
    mm_HW = cv2.imread(str(depth_files[0].with_suffix('.png')), cv2.IMREAD_UNCHANGED)
    assert mm_HW.dtype == np.uint16
    assert (mm_HW[4:] == 2000).all()
    assert (mm_HW[:4] == 0).all()
    assert len(list((tmp_path / 'out' / 'wall').glob('*_panel.png'))) == 1
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    assert summary == json.loads((tmp_path / 'copy.json').read_text())
    assert summary['frames'] == 3
    assert summary['per_source']['wall']['clamped_px'] == 0
    assert summary['per_source']['wall']['depth'] is None, 'a sensor is not judged by itself'


def test_refine_counts_what_is_too_far_for_a_png(depth_refiner, tmp_path):
    far_m_HW = np.full((48, 64), 80.0, np.float32)
    far_m_HW[:10] = 2.0
    rgb_HW3 = np.zeros((48, 64, 3), np.uint8)
    with SequenceWriter(tmp_path / 'far', CAMERA, depth_scale=500.0) as writer:
        writer.add(STEP_NS, rgb_HW3, far_m_HW, None)
    ended = depth_refiner('refine', 'far', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    line = (
        '2432 pixels farther than 65.535 m, the end of 16-bit millimetres, unknown (0) in the PNG'
    )
    assert line in ended.stderr
    [png], [npy] = (list((tmp_path / 'out').rglob(f'0*{end}')) for end in ('0.png', '.npy'))
    assert np.isfinite(np.load(npy)).all()
    assert (cv2.imread(str(png), cv2.IMREAD_UNCHANGED) == 0).sum() == 2432


def test_refine_tells_in_one_line_that_it_cannot_write(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    (tmp_path / 'out' / 'wall').mkdir(parents=True)
    # Where this file ought to go there is a folder; an OSError like any other.
    (tmp_path / 'out' / 'wall' / '000000_0.100000000.npy').mkdir()
    ended = depth_refiner('refine', 'wall', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert '.npy: Is a directory; free some space' in ended.stderr.splitlines()[-1]


def test_refine_takes_several_sources_and_fewer_frames(depth_refiner, tmp_path):
    wall(tmp_path / 'a' / 'wall')
    wall(tmp_path / 'b' / 'wall')
    ended = depth_refiner(
        'refine',
        'a/wall',
        'b/wall',
        *PLAIN,
        'sensor',
        '--frames',
        '1',
        '--no-npy',
        '--panels',
        '0',
        '--out',
        'out',
    )
    assert ended.returncode == 0, ended.stderr
    found = list(tmp_path.glob('out/*/*'))
    assert sorted(path.parent.name for path in found) == ['wall', 'wall-2']
    assert all(path.suffix == '.png' for path in found)


def test_refine_smeared_beside_truth(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 1)
    ended = depth_refiner('refine', 'wall', *PLAIN, 'smeared', '--out', 'out')
    assert ended.returncode == 0, ended.stderr
    summary = json.loads((tmp_path / 'out' / 'summary.json').read_text())
    depth = summary['per_source']['wall']['depth']
    assert depth['frames'] == 1
    assert 0.0 < depth['prior']['abs_rel'] == depth['refined']['abs_rel']


def test_image_has_no_depth_for_a_sensor(depth_refiner, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((48, 64, 3), np.uint8))
    ended = depth_refiner('refine', 'a.png', *PLAIN, 'sensor', '--out', 'out')
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        'depth-refiner: a has no depth, which --prior sensor starts from; use --prior bundled'
    )


def test_image_of_an_unknown_camera_gets_an_assumed_one_and_is_told(depth_refiner, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((48, 64, 3), 99, np.uint8))
    depths = []
    for degrees in ('60', '90'):
        result = depth_refiner(
            'refine',
            tmp_path / 'a.png',
            '--refiner',
            'none',
            '--out',
            tmp_path / degrees,
            '--assume-fov-deg',
            degrees,
        )
        assert result.returncode == 0, result.stderr
        told = ' '.join((result.stdout + result.stderr).split())
        assert f'assuming {degrees} deg across' in told
        depths.append(np.load(next((tmp_path / degrees / 'a').glob('*.npy'))))
    assert not np.array_equal(*depths)
