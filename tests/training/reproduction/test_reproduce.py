# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The whole program."""

from dataclasses import replace
import json

import cv2
from depth_refiner_ros.core.errors import OutputError, SettingsError
import numpy as np
import pytest
import torch
from training.data.rooms import RenderedRooms
from training.reproduce import main
from training.reproduction.data import render
from training.reproduction.figures import claim_place, read_figures
from training.reproduction.plan import Job, PIECES, STUDIES
from training.reproduction.profiles import SMOKE
from training.reproduction.reproduce import reproduce


def test_a_report_that_cannot_be_written_ends_everything_before_it_trains(tmp_path, profile):
    (tmp_path / 'file').touch()
    place, report = tmp_path / 'place', tmp_path / 'file' / 'report'
    with pytest.raises(OutputError, match='file is no folder'):
        reproduce(profile, place, only=[], seeds=1, report=report)
    assert not place.exists()


def test_a_study_is_trained_and_reported(place, profile, capsys):
    report = place / 'report'
    report.mkdir()
    (report / 'notes.md').write_text('More updates.')
    assert reproduce(profile, place, only=['sharpdepth_*'], seeds=1, report=report)
    said = capsys.readouterr().out
    text = (report / 'README.md').read_text()
    results = json.loads((report / 'results.json').read_text())
    assert said.startswith(text)
    done = [name for name, seeds in results['pieces'].items() if '0' in seeds]
    assert f'**{len(done)} of 26 pieces are done.** Missing:' in text
    # And what they start from.
    assert {name for name in PIECES if name.startswith('sharpdepth_')} < set(done) < set(PIECES)
    assert 'sharpdepth_a (seed' not in text
    assert '**pending**' in text
    assert '[notes.md](notes.md)' in text
    for study in STUDIES:
        assert f'## {study.title}' in text
        assert all(claim.text in text for claim in study.claims)
    picture = cv2.imread(str(report / f'{STUDIES[0].name}.png'))
    assert picture.shape[0] > 200
    # What the tables say is what the pieces wrote, and nothing else.
    found = read_figures(place, Job('sharpdepth_ours', 0), profile)
    value = found['figures']['smeared/refined/abs_rel']
    assert results['pieces']['sharpdepth_ours']['0']['figures'] == found['figures']
    assert f'| Ours (E, H) | 1 | {value:.4f} |' in text
    # Rows start from the same seed's pieces, and are trainings of their own.
    errors = [item['0']['figures'] for item in results['pieces'].values() if '0' in item]
    assert len({json.dumps(item, sort_keys=True) for item in errors}) >= len(done) - 2
    assert reproduce(profile, place, only=[], seeds=2, report=report, train=False)
    assert f'**{len(done)} of 52 pieces are done.** Missing:' in (report / 'README.md').read_text()


def test_pieces_of_other_options_are_not_taken_for_done(place, profile, tmp_path):
    claim_place(place, profile)
    claim_place(place, replace(profile, threads=7, seeds=1))
    report = tmp_path / 'report'
    for other, what in (
        (replace(profile, photographs='a/b'), "photographs = '', not .*b'"),
        (replace(profile, rooms=3), 'rooms = 2, not 3'),
        (replace(profile, name='small-gpu'), "not 'small-gpu'"),
    ):
        with pytest.raises(SettingsError, match=what + '.*another --output'):
            reproduce(other, place, only=[], seeds=1, report=report, train=False)
    assert not report.exists()


def test_an_unknown_profile_is_refused():
    with pytest.raises(SettingsError, match=r"profile = 'smal' must be one of .*; did you mean"):
        main('smal')


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_the_profile_of_a_gpu_is_refused_without_one(place):
    with pytest.raises(SettingsError, match='small-gpu needs a CUDA GPU, and torch finds none'):
        main('small-gpu', output=place)
    assert not list(place.glob('seed_*'))


@pytest.mark.parametrize('changes', [{'rooms': 1}, {'rooms': 3}, {'held_out': 65}], ids=str)
def test_rooms_of_another_number_are_refused(place, profile, changes, tmp_path):
    other = replace(profile, **changes)
    with pytest.raises(SettingsError, match='holds rooms of another profile than smoke'):
        reproduce(other, place, only=['apdepth_stage1_none'], seeds=1, report=tmp_path)
    claim_place(place, profile)  # the refused one did not take it
    render(place, profile)


@pytest.mark.slow
def test_rooms_are_rendered_once_and_no_set_shares_one(tmp_path):
    render(tmp_path, SMOKE)
    sets = {
        name: RenderedRooms(tmp_path / 'data' / name) for name in ('rooms', 'starts', 'held_out')
    }
    assert {name: len(found) for name, found in sets.items()} == dict.fromkeys(sets, 2)
    images = [found[index].rgb_HW3 for found in sets.values() for index in range(2)]
    assert images[0].shape == (48, 64, 3)
    assert len({np.asarray(image).tobytes() for image in images}) == 6
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npy')}
    render(tmp_path, SMOKE)
    assert files == {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.npy')}
    with pytest.raises(SettingsError, match='holds rooms of another profile than smoke'):
        render(tmp_path, replace(SMOKE, image=(96, 64)))
