# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pieces in processes of their own: killed, failing, finished."""

from dataclasses import replace
import json
import time

import pytest
from safetensors.torch import load_file
import torch
from training.reproduction.figures import read_figures
from training.reproduction.pieces import folder_of
from training.reproduction.plan import Job, jobs_of
from training.reproduction.reproduce import reproduce
from training.reproduction.workers import Workers

FIRST = Job('apdepth_stage1_none', 0)
UPDATES = 96


def ran(place, profile, jobs, done=()):
    told = []
    with Workers(place, profile, lambda job, why: told.append((job, why))) as workers:
        return workers.run(jobs, done), told


def wait_for(condition, seconds=120.0):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, 'it did not happen'
        time.sleep(0.02)


@pytest.mark.slow
def test_a_killed_piece_goes_on_to_the_same_weights(place, profile, tmp_path):
    long = replace(profile, updates={**profile.updates, 'stage1': UPDATES})
    folder = folder_of(place, FIRST.piece, FIRST.seed)
    with Workers(place, long, lambda job, why: None) as workers:
        process = workers.start(FIRST)
        wait_for((folder / 'checkpoint/state.json').exists)
        process.kill()
        process.join()
    step = json.loads((folder / 'checkpoint/state.json').read_text())['step']
    assert 0 < step < UPDATES
    assert read_figures(place, FIRST, long) is None
    outcome, told = ran(place, long, [FIRST])
    assert outcome.done == [FIRST]
    assert told == [(FIRST, '')]

    whole = tmp_path / 'whole'
    whole.mkdir()
    (whole / 'data').symlink_to(place / 'data')
    ran(whole, long, [FIRST])
    one, two = (
        load_file(folder_of(item, FIRST.piece, 0) / 'checkpoint/weights.safetensors')
        for item in (place, whole)
    )
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    first, second = (read_figures(item, FIRST, long) for item in (place, whole))
    assert first['figures'] == second['figures']
    assert first['updates'] == UPDATES


def test_a_failing_piece_is_named_and_the_others_go_on(place, profile, capsys):
    folder = folder_of(place, 'apdepth_stage1_mlp', 0)
    folder.mkdir(parents=True)
    (folder / 'settings.json').write_text('{"settings": "of another time"}')
    only = ['apdepth_mlp', 'apdepth_none']
    report = place / 'report'
    assert not reproduce(profile, place, only=only, seeds=1, report=report)
    told = capsys.readouterr().err
    assert 'failed: apdepth_stage1_mlp seed 0: ' in told
    assert 'holds apdepth_stage1_mlp of other settings; remove it or name another output' in told
    assert '1 pieces failed, 1 wait for them' in told
    done = [job for job in jobs_of(only, 1) if read_figures(place, job, profile)]
    assert done == [FIRST, Job('apdepth_none', 0)]
    assert '**2 of 26 pieces are done.**' in (report / 'README.md').read_text()


def test_a_finished_piece_is_not_trained_again(place, profile):
    jobs = jobs_of(['apdepth_stage1_none'], 1)
    ran(place, profile, jobs)
    written = folder_of(place, FIRST.piece, 0) / 'figures.json'
    before = written.stat().st_mtime_ns
    outcome, told = ran(place, profile, jobs, jobs)
    assert (outcome.done, told) == (jobs, [])
    assert written.stat().st_mtime_ns == before


def test_a_finished_piece_of_other_settings_is_not_done(place, profile):
    ran(place, profile, [FIRST])
    assert read_figures(place, FIRST, profile) is not None
    other = replace(profile, batch=3)
    assert read_figures(place, FIRST, other) is None
    outcome, _ = ran(place, other, [FIRST])
    assert 'of other settings; remove it or name another output' in outcome.failed[FIRST]


@pytest.mark.slow
def test_a_stopped_piece_has_saved_and_is_not_done(place, profile):
    long = replace(profile, updates={**profile.updates, 'stage1': 4000})
    folder = folder_of(place, FIRST.piece, FIRST.seed)
    with Workers(place, long, lambda job, why: None) as workers:
        process = workers.start(FIRST)
        wait_for(lambda: (folder / 'log.jsonl').exists() and (folder / 'log.jsonl').read_text())
    assert process.exitcode == 75
    assert json.loads((folder / 'checkpoint/state.json').read_text())['step'] < 4000
    assert read_figures(place, FIRST, long) is None
