# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints: what is damaged is found, and the one before is taken."""

import json
import os
from pathlib import Path
import random
import shutil
import signal
import subprocess
import sys
import time

from depth_refiner_ros.core.errors import OutputError, SettingsError, WeightsError
from depth_refiner_ros.core.output_lock import locked_folder
from hypothesis import given, strategies
import pytest
from safetensors.torch import load_file
import torch
from training import run
from training.checkpoint import (
    AVERAGE,
    check_hashes,
    DamagedError,
    HASHED,
    HASHES,
    load_average,
    read_progress,
    STATE,
    WEIGHTS,
)
from training.config_file import save_config
from training.log import read_log
from training.loop import train
from training.objectives.registry import build_objective

from tests.foreign_values import fuzzed
from tests.full_disk import full_disk

ROOT = Path(__file__).resolve().parents[2]


def run_config(config):
    torch.manual_seed(config.seed)
    return train(config, build_objective(config))


@pytest.fixture
def config(make_config):
    return make_config('metric_prior', save_every=1, validate_every=4)


@pytest.fixture
def halfway(make_config, tmp_path):
    """Return the checkpoint of a run that was stopped after two of four steps."""
    run_config(make_config('metric_prior', save_every=1, validate_every=4, steps=2))
    return tmp_path / 'run' / 'checkpoint'


def step_of(folder):
    return read_progress(folder).step


def flip_a_bit(path, position=-1):
    content = bytearray(path.read_bytes())
    content[position] ^= 4
    path.write_bytes(content)


DAMAGES = {
    **{f'bit of {name}': lambda folder, name=name: flip_a_bit(folder / name) for name in HASHED},
    'bit of the hashes': lambda folder: flip_a_bit(folder / HASHES, 30),
    'missing file': lambda folder: (folder / AVERAGE).unlink(),
    'missing hashes': lambda folder: (folder / HASHES).unlink(),
    'cut file': lambda folder: (folder / WEIGHTS).write_bytes(b'\0' * 99),
    'no JSON': lambda folder: (folder / STATE).write_text('{'),
    'gone': lambda folder: shutil.rmtree(folder),
}


@pytest.mark.parametrize('damage', DAMAGES)
def test_the_one_before_is_taken_with_a_line(config, halfway, capsys, damage):
    assert (step_of(halfway), step_of(halfway.with_name('checkpoint.previous'))) == (2, 1)
    DAMAGES[damage](halfway)
    run_config(config)
    told = capsys.readouterr().err.splitlines()
    assert told[0].endswith('resuming from ' + str(halfway) + '.previous at step 1')
    assert str(halfway) + '/' in told[0] or 'checkpoint is missing' in told[0]
    assert [row['step'] for row in read_log(halfway.parent) if 'loss' in row] == [1, 2, 3, 4]
    # The damaged one was not kept in place of the sound one.
    assert (step_of(halfway), step_of(halfway.with_name('checkpoint.previous'))) == (4, 3)


def test_a_damaged_checkpoint_never_takes_the_place_of_the_sound_one(make_config, halfway):
    flip_a_bit(halfway / WEIGHTS)
    run_config(make_config('metric_prior', save_every=1, validate_every=4, steps=2))
    check_hashes(halfway)
    assert step_of(halfway) == 2
    previous = halfway.with_name('checkpoint.previous')
    check_hashes(previous)
    assert step_of(previous) == 1


def test_resuming_from_the_one_before_ends_as_an_uninterrupted_run(config, make_config, tmp_path):
    run_config(make_config('metric_prior', validate_every=4, output=str(tmp_path / 'whole')))
    first = make_config('metric_prior', save_every=1, validate_every=4, steps=2)
    first.optimizer.total_steps = 4
    run_config(first)
    flip_a_bit(tmp_path / 'run' / 'checkpoint' / WEIGHTS)
    run_config(config)
    one, two = (load_file(tmp_path / name / 'checkpoint' / WEIGHTS) for name in ('whole', 'run'))
    for name, value in one.items():
        assert torch.equal(value, two[name])


def test_two_damaged_ones_are_one_line(config, halfway):
    for folder in (halfway, halfway.with_name('checkpoint.previous')):
        flip_a_bit(folder / AVERAGE)
    told = r'differs.*; .*differs.*no sound checkpoint is left'
    with pytest.raises(WeightsError, match=told) as caught:
        run_config(config)
    assert '\n' not in str(caught.value)


def test_json_that_is_no_state_is_named(tmp_path, subtests):
    cases = [
        ('{}', 'step = None must be a number of updates'),
        ('[]', 'must hold a JSON object'),
        ('{"step": 99999}', 'best = None must hold'),
        ('{"step": "2", "best": {}}', "step = '2' must be"),
        ('{"step": true, "best": {}}', 'step = True must be'),
        ('{"step": -1, "best": {}}', 'step = -1 must be'),
        ('{"step": 2, "best": {"abs_rel": NaN}}', 'must hold finite numbers'),
        ('{"step": 2, "best": {"abs_rel": 1e999}}', 'must hold finite numbers'),
        ('{"step": 2, "best": {"abs_rel": [1]}}', 'must hold finite numbers'),
    ]
    for state, message in cases:
        with subtests.test(state):
            (tmp_path / STATE).write_text(state)
            with pytest.raises(DamagedError, match=message):
                read_progress(tmp_path)


JSON = strategies.recursive(
    strategies.none()
    | strategies.booleans()
    | strategies.integers(-(10**400), 10**400)
    | strategies.floats()
    | strategies.text(max_size=4),
    lambda inner: (
        strategies.lists(inner, max_size=3)
        | strategies.dictionaries(
            strategies.sampled_from(['step', 'best', 'x']), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@fuzzed(300)
@given(tree=JSON | strategies.fixed_dictionaries({'step': JSON, 'best': JSON}))
def test_any_json_is_a_state_or_refused(tmp_path_factory, tree):
    folder = tmp_path_factory.getbasetemp()
    (folder / STATE).write_text(json.dumps(tree))
    try:
        progress = read_progress(folder)
    except DamagedError:
        return
    assert progress.step >= 0
    assert all(abs(float(value)) < float('inf') for value in progress.best.values())


@fuzzed(100)
@given(content=strategies.binary(max_size=40))
def test_any_bytes_are_refused_as_a_state(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    (folder / STATE).write_bytes(content)
    with pytest.raises(DamagedError):
        read_progress(folder)


def test_more_steps_than_asked_for_are_refused(make_config, halfway):
    with pytest.raises(SettingsError, match=r'steps = 1 is below step 2, which the run .* raise'):
        run_config(make_config('metric_prior', steps=1))
    assert 'steps: 2' in (halfway.parent / 'config.yaml').read_text()


def test_a_finished_run_says_so(config, tmp_path, capsys):
    save_config(config, tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    first = capsys.readouterr().out
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    again = capsys.readouterr()
    assert 'is finished at step 4; raise steps' in again.err
    assert again.out == first


def test_damaged_weights_are_no_start_and_no_export(halfway):
    flip_a_bit(halfway / AVERAGE)
    with pytest.raises(DamagedError, match=r'average\.safetensors differs from its hash'):
        load_average(halfway)


def test_a_full_disk_keeps_both_checkpoints(config, halfway):
    with full_disk(10_000), pytest.raises(OutputError, match=r'cannot write .*checkpoint'):
        run_config(config)
    assert (step_of(halfway), step_of(halfway.with_name('checkpoint.previous'))) == (2, 1)
    check_hashes(halfway)
    assert [path.name for path in halfway.parent.glob('.*')] == []


def test_a_second_run_on_one_output_is_refused(config, halfway):
    with locked_folder(halfway.parent), pytest.raises(OutputError, match='run is being written'):
        run_config(config)
    assert step_of(halfway) == 2


def test_rows_beyond_the_checkpoint_are_written_once(config, halfway):
    log = halfway.parent / 'log.jsonl'
    with log.open('a') as file:
        file.write('{"step": 3, "loss": 1.0}\n{"step": 4, "lo')
    run_config(config)
    assert [row['step'] for row in read_log(halfway.parent) if 'loss' in row] == [1, 2, 3, 4]


RUNS = """
import os, sys
from training import loop, run
from training.objectives import metric_prior
for line in sys.stdin:
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(run.main([line.strip()]))
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""Trains in a process of its own for each line, and imports what they need once for all."""


def test_a_killed_run_leaves_a_sound_checkpoint_and_no_parts(make_config, tmp_path):
    config = make_config('metric_prior', save_every=1, validate_every=1000, steps=1000)
    save_config(config, tmp_path / 'config.yaml')
    seed, output = random.Random(0), tmp_path / 'run'
    steps = [0]
    with subprocess.Popen(
        [sys.executable, '-c', RUNS],
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as runs:
        for _ in range(2):
            print(tmp_path / 'config.yaml', file=runs.stdin, flush=True)
            process = int(runs.stdout.readline())
            written = output / 'checkpoint'
            while not written.exists() or step_of(written) <= steps[-1]:
                assert Path(f'/proc/{process}').exists()
                time.sleep(0.02)
            time.sleep(seed.uniform(0.0, 0.3))
            os.kill(process, signal.SIGKILL)
            assert int(runs.stdout.readline()) == signal.SIGKILL
            check_hashes(output / 'checkpoint')
            steps.append(step_of(output / 'checkpoint'))
            assert len(list(output.glob('.*.part'))) <= 1
    assert steps == sorted(set(steps))


def test_another_optimiser_cannot_resume_and_is_named(make_config, halfway):
    config = make_config('metric_prior', save_every=1, validate_every=4)
    config.optimizer.name = 'muon'
    with pytest.raises(
        WeightsError, match=r'written by .*AdamW.*has .*Muon.*restore optimizer\.name'
    ):
        run_config(config)
