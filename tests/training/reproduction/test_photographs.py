# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Photographs with measured depth beside the rendered rooms."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from training.reproduction.apdepth import TABLE_5
from training.reproduction.figures import read_figures
from training.reproduction.pictures import write_picture
from training.reproduction.pieces import config_of, folder_of
from training.reproduction.plan import Job, PIECES
from training.reproduction.report import write_report
from training.reproduction.reproduce import reproduce
from training.reproduction.training_piece import PICTURE, train_piece

from tests.training.data.trees import write_png, write_text
from tests.training.rooms_folder import scene

JOB = Job('apdepth_stage1_none', 0)
CAMERA = 'width: 128\nheight: 96\nfx: 110\nfy: 110\ncx: 63.5\ncy: 47.5\ndepth_scale: 1000\n'


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """Write a TUM folder of three frames, a corner of whose depth is unknown."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    folder = tmp_path / 'kitchen'
    for number in range(3):
        rgb, depth_m = scene(number, 128, 96)
        depth_m[:20, :20] = 0.0
        write_png(folder / f'rgb/{number}.png', rgb[..., ::-1])
        write_png(folder / f'depth/{number}.png', (depth_m * 1000.0).astype(np.uint16))
    for part in ('rgb', 'depth'):
        lines = [f'{100 + number}.0 {part}/{number}.png' for number in range(3)]
        write_text(folder / f'{part}.txt', '\n'.join(lines))
    write_text(folder / 'calibration.yaml', CAMERA)
    return str(folder)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures('one_thread')
def test_a_piece_is_trained_and_compared_with_photographs_too(place, profile, recording):
    both = replace(profile, photographs=recording, held_out_photographs=recording)
    assert train_piece(JOB, both, place)
    found = read_figures(place, JOB, both)
    assert found['photographs'].keys() == found['figures'].keys()
    assert found['photographs'] != found['figures']
    assert 0.0 < found['photographs']['smeared/prior/abs_rel'] < 1.0
    config = config_of(PIECES[JOB.piece], both, 0, place)
    shares = {name: source.share for name, source in config.data.train.items()}
    assert shares == {'rooms': 1.0, 'starts': 1.0, 'photographs': 0.5}
    assert config.data.train['photographs'].crop_width == 3 * profile.size_px


@pytest.mark.usefixtures('one_thread')
def test_held_out_photographs_that_are_replaced_are_named_and_counted(
    place, profile, recording, capsys
):
    write_png(Path(recording) / 'depth/0.png', np.zeros((96, 128), np.uint16))
    compared = replace(profile, held_out_photographs=recording)
    assert train_piece(JOB, compared, place)
    lost = read_figures(place, JOB, compared)['lost_photographs']
    assert lost >= 1
    assert capsys.readouterr().err.count('frame lost (no depth)') == lost


@pytest.mark.usefixtures('one_thread')
def test_a_piece_of_other_settings_does_not_count_as_done(place, profile, recording, capsys):
    both = replace(profile, photographs=recording)
    assert train_piece(JOB, both, place)
    assert read_figures(place, JOB, both)
    others = {
        'other photographs': replace(both, photographs=f'{recording}_2'),
        'no photographs': profile,
        'another batch': replace(both, batch=3),
        'another profile': replace(both, name='small'),
    }
    assert [name for name, other in others.items() if read_figures(place, JOB, other)] == []
    report = place / 'report'
    assert not reproduce(profile, place, only=[JOB.piece], seeds=1, report=report)
    told = capsys.readouterr().err
    assert 'not counted, of other settings: apdepth_stage1_none seed 0; remove' in told
    assert 'failed: apdepth_stage1_none seed 0: ' in told
    assert '**0 of 26 pieces are done.**' in (report / 'README.md').read_text()
    row = TABLE_5.rows[0].piece  # whose picture is drawn of what is done, alone
    folder_of(place, row, 0).mkdir(parents=True)
    (folder_of(place, JOB.piece, 0) / PICTURE).rename(folder_of(place, row, 0) / PICTURE)
    assert not write_picture(report / 'a.png', TABLE_5, place, {row: {}})
    assert write_picture(report / 'a.png', TABLE_5, place, {row: {0: {}}})


@pytest.mark.usefixtures('one_thread')
def test_photographs_have_tables_of_their_own(place, profile, recording):
    write_report(place / 'report', place, profile, 1)
    assert 'Held-out photographs:' not in (place / 'report/README.md').read_text()
    compared = replace(profile, held_out_photographs=recording)
    for name in ('apdepth_stage1_conv', 'apdepth_full'):
        assert train_piece(Job(name, 0), compared, place)
    write_report(place / 'report', place, profile, 1)
    found = read_figures(place, Job('apdepth_full', 0), compared)
    value = found['photographs']['smeared/refined/abs_rel']
    _, own = (
        (place / 'report/README.md').read_text().split('ApDepth, table 3: adapter of stage 1\n', 1)
    )
    rooms, photographs = own.split('Held-out photographs:')[:2]
    assert f'| conv adapter | 1 | {value:.4f} |' in photographs
    assert f'| conv adapter | 1 | {value:.4f} |' not in rooms


def test_stored_predictions_are_of_rooms_alone(place, profile):
    config = config_of(
        PIECES['apdepth_predicted'], replace(profile, photographs='kitchen'), 0, place
    )
    assert config.data.train.keys() == {'rooms', 'starts'}
