# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder that a command wrote holds one run, whether it was ended or interrupted."""

import json

from depth_refiner_ros.apps import refine, results

from tests.cli.recordings import PLAIN, wall

SENSOR = (*PLAIN, 'sensor', '--out', 'out')


def interrupt(*_, **__):
    raise KeyboardInterrupt


def names(folder):
    return {
        str(path.relative_to(folder))
        for path in folder.rglob('*')
        if path.is_file() and path.name != '.depth-refiner.files'
    }


def test_an_interrupted_fuse_leaves_no_report_of_the_run_before(
    depth_refiner, tmp_path, monkeypatch
):
    wall(tmp_path / 'wall', 3)
    assert depth_refiner('fuse', 'wall', *SENSOR).returncode == 0
    (tmp_path / 'out' / 'own.txt').write_text("the user's")
    monkeypatch.setattr(results, 'paint_mesh', interrupt)
    assert depth_refiner('fuse', 'wall', *SENSOR).returncode == 130
    assert names(tmp_path / 'out') == {'mesh.ply', 'panel.png', 'trajectory.txt', 'own.txt'}


def test_a_fuse_that_fails_early_keeps_the_result_of_the_run_before(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 3)
    assert depth_refiner('fuse', 'wall', *SENSOR).returncode == 0
    before = names(tmp_path / 'out')
    (tmp_path / 'wall' / 'depth.txt').unlink()
    assert depth_refiner('fuse', 'wall', *SENSOR).returncode == 2
    assert names(tmp_path / 'out') == before


def test_refine_of_fewer_frames_and_an_interrupted_one_leave_no_frame_of_the_run_before(
    depth_refiner, tmp_path, monkeypatch
):
    wall(tmp_path / 'wall', 4)
    assert depth_refiner('refine', 'wall', *SENSOR).returncode == 0
    assert depth_refiner('refine', 'wall', *SENSOR, '--frames', 1, '--no-npy').returncode == 0
    frames = {name for name in names(tmp_path / 'out') if name.startswith('wall/')}
    assert {name[:11] for name in frames} == {'wall/000000'}
    assert json.loads((tmp_path / 'out' / 'summary.json').read_text())['frames'] == 1
    monkeypatch.setattr(refine.Comparison, 'add', interrupt)
    assert depth_refiner('refine', 'wall', *SENSOR, '--panels', 0).returncode == 130
    assert {name.split('.')[0] for name in names(tmp_path / 'out')} == {'wall/000000_0'}


def test_pictures_of_eval_are_those_of_one_run(depth_refiner, tmp_path):
    wall(tmp_path / 'wall', 3)
    options = (*PLAIN, 'sensor', '--panels', 'pictures')
    assert depth_refiner('eval', 'wall', *options).returncode == 0
    assert depth_refiner('eval', 'wall', *options, '--frames', 1).returncode == 0
    assert len(names(tmp_path / 'pictures')) == 1
