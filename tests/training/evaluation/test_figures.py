# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Charts and pictures hold what the files hold; the programs end in one line."""

from pathlib import Path

import cv2
from depth_refiner_ros.core.errors import InputError, SettingsError
import numpy as np
import pytest
from training.evaluate import main
from training.evaluation.config import RowConfig
from training.evaluation.figures import boundary_sheet, MET_RGB, MISSED_RGB, sharpness_points
from training.evaluation.infer import infer
from training.evaluation.report import write_pictures, write_report
from training.evaluation.summaries import Scores

from tests.training.evaluation.made_images import evaluation, MadeImages
from tests.training.evaluation.test_tables import write_score


def test_points_are_the_papers_and_ours(tmp_path):
    write_score(tmp_path, 'kitti', 'own', delta1=0.9)
    write_score(tmp_path, 'sintel', 'own', dbe_compl_px=44.0)
    write_score(tmp_path, 'sintel', 'half', dbe_compl_px=44.0)
    points = {point.name: point for point in _points(tmp_path)}
    assert (points['own'].delta1, points['own'].compl_px) == (0.9, 44.0)
    assert points['own'].measured
    assert points['SharpDepth'].delta1 == pytest.approx(0.97315)
    assert points['SharpDepth'].compl_px == 36.2
    assert not points['SharpDepth'].measured
    assert 'half' not in points


def _points(folder):
    return sharpness_points(Scores.read([folder]), 'kitti', 'sintel')


def test_a_report_is_tables_and_charts(tmp_path):
    write_score(tmp_path / 'out', 'frames', 'a/refined')
    written = write_report(tmp_path / 'report', [tmp_path / 'out'])
    assert [path.name for path in written] == ['tables.md', 'sharpness_frames.png']
    chart = cv2.imread(str(written[1]))[..., ::-1]
    assert chart.shape == (440, 860, 3)
    assert len(np.unique(chart.reshape(-1, 3), axis=0)) > 10


def test_boundaries_are_blue_where_met_and_orange_where_missed():
    truth = np.full((60, 80), 2.0, np.float32)
    truth[:, 40:] = 4.0
    flat = np.full_like(truth, 3.0)
    rgb = np.zeros((60, 80, 3), np.uint8)
    met = colors_of(boundary_sheet(rgb, truth, {'same': truth}))
    assert MET_RGB in met
    assert MISSED_RGB not in met
    missed = colors_of(boundary_sheet(rgb, truth, {'flat': flat}))
    assert MISSED_RGB in missed
    assert MET_RGB not in missed
    shifted = np.roll(truth, 5, axis=1)
    shifted[:, :5] = 2.0
    assert MET_RGB not in colors_of(boundary_sheet(rgb, truth, {'5 px off': shifted}))


def colors_of(rgb_HW3):
    """Return the colors that fill at least 50 pixels of the lower half."""
    lower = rgb_HW3[rgb_HW3.shape[0] // 2 :].reshape(-1, 3)
    colors, counts = np.unique(lower, axis=0, return_counts=True)
    return {tuple(int(value) for value in color) for color in colors[counts >= 50]}


def test_pictures_of_each_set_are_drawn(made, tmp_path):
    made(MadeImages(2, without_depth=[1]))
    rows = {
        'a/prior': RowConfig(model={'prior': 'bundled'}, map='prior'),
        'a/refined': RowConfig(model={'prior': 'bundled'}),
        'a/difference': RowConfig(model={'prior': 'bundled'}, map='difference'),
    }
    config = evaluation(tmp_path, rows)
    infer(config)
    written = write_pictures(config, [0, 1])
    assert [path.name for path in written] == [
        '000000_a_boundaries.png',
        '000000_a_difference.png',
        '000001_a_difference.png',
    ]
    assert all(cv2.imread(str(path)) is not None for path in written)
    with pytest.raises(SettingsError, match='image 2 is not one of the 2'):
        write_pictures(config, [2])
    for file in Path(config.output).rglob('000001.npy'):
        file.unlink()
    with pytest.raises(InputError, match='image 1 has no prediction of a'):
        write_pictures(config, [1])


def test_the_program_runs_every_step(made, tmp_path, capsys):
    made(MadeImages(2))
    file = tmp_path / 'own.yaml'
    file.write_text(
        f'output: {tmp_path / "out"}\nprotocol: frames\n'
        f'data: {{path: {tmp_path}, reader: made}}\n'
        'model: {prior: sensor, refiner: none, threads: 1}\n'
        'rows: {own/prior: {map: prior}, own/refined: {}}\n'
    )
    assert main(['infer', str(file)]) == 0
    assert 'own/prior: 2 images, 2 of them new' in capsys.readouterr().out
    lacking = [
        'rows.own/lotus.model.refiner=aligned',
        'rows.own/lotus.model.refiner_weights=/none',
    ]
    assert main(['infer', str(file), *lacking]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == [
        'own/prior: 2 images, 0 of them new',
        'own/refined: 2 images, 0 of them new',
    ]
    assert said[2].startswith('own/lotus: not loaded: /none is neither')
    assert main(['infer', str(file), 'model.refiner=aligned', f'output={tmp_path}/o']) == 2
    assert 'no row could be loaded' in capsys.readouterr().err
    assert main(['score', str(file), 'limit=1']) == 0
    assert 'abs_rel 0.0000' in capsys.readouterr().out
    assert main(['report', str(tmp_path / 'report'), str(tmp_path / 'out')]) == 0
    assert '| own/aligned |' in (tmp_path / 'report/tables.md').read_text()
    assert main(['pictures', str(file), '0']) == 0
    assert '000000_own_boundaries.png' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['infer', 'none.yaml'], 'no configuration none.yaml'),
        (['report', 'place'], 'report needs'),
        (['report', 'place', 'none'], 'has no scores'),
        (['pictures', 'none.yaml', 'first'], "numbers of images, not 'first'"),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count('\n') == 1


def test_without_a_step_the_program_says_what_to_type(capsys):
    assert main([]) == 2
    assert 'infer CONFIG.yaml' in capsys.readouterr().out
    assert main(['--help']) == 0
