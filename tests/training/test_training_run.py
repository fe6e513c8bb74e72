# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whole runs of every objective with tiny networks."""

from dataclasses import replace
import json
import math
import os
import signal

from accelerate import Accelerator
import cv2
from depth_refiner_ros.core.errors import OutputError, SettingsError, WeightsError
from depth_refiner_ros.models.bundle import sha256
import numpy as np
import pytest
from safetensors.torch import load_file, save_file
import torch
from training import run
from training.checkpoint import AVERAGE, HASHED, HASHES, OPTIMIZER, read_progress, WEIGHTS
from training.config import OptimizerConfig
from training.config_file import save_config
from training.loop import begin, train
from training.objectives.metric_prior import MetricPrior
from training.resume import changes, check_processes
from training.update import NotFiniteError

from tests.training.rooms_folder import write_rooms
from tests.training.tiny_runs import batch_of, built, OBJECTIVES

FILES = sorted((*HASHED, HASHES))


def run_config(config):
    objective = built(config)
    return objective, train(config, objective)


def rows(output):
    return [json.loads(line) for line in (output / 'log.jsonl').read_text().splitlines()]


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_a_whole_run(make_config, tmp_path, objective):
    objective, figures = run_config(make_config(objective))
    output = tmp_path / 'run'
    assert sorted(path.name for path in output.iterdir()) == [
        'best',
        'checkpoint',
        'checkpoint.previous',
        'config.yaml',
        'environment.json',
        'log.jsonl',
        'tensorboard',
    ]
    for folder in ('best', 'checkpoint', 'checkpoint.previous'):
        assert sorted(path.name for path in (output / folder).iterdir()) == FILES
    assert math.isfinite(figures[objective.best_by])
    log = rows(output)
    assert [row['step'] for row in log if 'loss' in row] == [1, 2, 3, 4]
    assert [row['step'] for row in log if 'loss' not in row] == [2, 4]
    assert all(math.isfinite(value) for row in log for value in row.values())


@pytest.mark.parametrize(
    ('objective', 'optimizer'),
    [('metric_prior', 'muon'), *((name, 'adamw') for name in OBJECTIVES)],
)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    make_config, tmp_path, objective, optimizer
):
    whole, parts = str(tmp_path / 'whole'), str(tmp_path / 'parts')
    changes = {
        'accumulate': 2,
        'validate_every': 3,
        'optimizer': OptimizerConfig(name=optimizer, lr=1e-3, warmup_steps=2),
    }
    run_config(make_config(objective, output=whole, **changes))
    # The schedule spans the whole run in both, as it does when a run is cut off.
    first = make_config(objective, output=parts, steps=2, **changes)
    first.optimizer = replace(first.optimizer, total_steps=4)
    second = make_config(objective, output=parts, **changes)
    run_config(first)
    run_config(second)
    for name in (AVERAGE, OPTIMIZER, WEIGHTS):
        one = load_file(f'{whole}/checkpoint/{name}')
        two = load_file(f'{parts}/checkpoint/{name}')
        assert one.keys() == two.keys()
        assert len(one) > 10
        for key in one:
            assert torch.equal(one[key], two[key]), f'{name}: {key}'
    assert json.loads((tmp_path / 'parts/checkpoint/state.json').read_text())['step'] == 4


def test_training_lowers_the_loss(make_config, tmp_path):
    config = make_config('metric_prior', steps=30, validate_every=30, batch=4)
    config.optimizer.lr = 3e-3
    config.data.photometric, config.data.flip = 0.0, False
    run_config(config)
    losses = [row['loss'] for row in rows(tmp_path / 'run') if 'loss' in row]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_a_loss_that_is_not_finite_stops_the_run_with_its_step(make_config, tmp_path, capsys):
    config = make_config('metric_prior', init_from=str(tmp_path / 'spoilt/checkpoint'))
    sound = make_config('metric_prior', steps=1, output=str(tmp_path / 'spoilt'))
    run_config(sound)
    checkpoint = tmp_path / 'spoilt/checkpoint'
    state = load_file(checkpoint / AVERAGE)
    state['network.head.bias'].fill_(math.nan)
    save_file(state, checkpoint / AVERAGE)
    hashes = {name: sha256(checkpoint / name) for name in HASHED}
    (checkpoint / HASHES).write_text(json.dumps(hashes))
    with pytest.raises(NotFiniteError, match=r'loss is nan at step 0: .*lower optimizer'):
        run_config(config)
    save_config(config, tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 2
    told = capsys.readouterr().err
    assert 'loss is nan at step 0' in told
    assert 'Traceback' not in told
    assert not (tmp_path / 'run/checkpoint').exists()


def test_a_mistake_is_one_line_and_exit_code_two(make_config, tmp_path, capsys, subtests):
    cases = [
        ('stepz=3', "Did you mean: 'steps'"),
        ('objective=metric_priors', "objective = 'metric_priors' must be one of"),
        ('optimizer.schedule=cosin', 'did you mean cosine?'),
        ('data.train.rooms.path=nowhere', "data set 'rooms': nowhere does not exist"),
        ('data.source=drive.mcap', 'drive.mcap does not exist; docs/data.md says what lies where'),
        ('init_from=nowhere', 'nowhere/average.safetensors is missing'),
    ]
    save_config(make_config('metric_prior'), tmp_path / 'config.yaml')
    for override, message in cases:
        with subtests.test(override):
            assert run.main([str(tmp_path / 'config.yaml'), override]) == 2
            told = capsys.readouterr().err.strip()
            assert message in told
            assert '\n' not in told
            assert ('render_rooms' in told) is ('rooms.path' in override), 'no rooms for a file'


@pytest.mark.parametrize(
    ('bundle', 'message'),
    [('taken', 'exists and is not a bundle'), ('file/bundle', 'file is no folder')],
)
def test_a_bundle_that_cannot_be_written_ends_a_run_before_its_first_step(
    make_config, tmp_path, capsys, bundle, message
):
    (tmp_path / 'taken').mkdir()
    (tmp_path / 'file').touch()
    save_config(make_config('metric_prior', steps=1), tmp_path / 'config.yaml')
    given = f'bundle={tmp_path / bundle}'
    assert run.main([str(tmp_path / 'config.yaml'), given]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / 'run').exists()


def test_run_says_what_it_did(make_config, tmp_path, capsys):
    save_config(make_config('metric_prior', steps=1), tmp_path / 'config.yaml')
    assert run.main([str(tmp_path / 'config.yaml')]) == 0
    assert 'abs_rel ' in capsys.readouterr().out
    assert run.main([]) == 2
    assert run.main(['--help']) == 0


def test_a_run_that_goes_on_with_other_keys_says_which(make_config, tmp_path, capsys):
    config = make_config('metric_prior', steps=2)
    run_config(config)
    config.steps = 3
    run_config(config)
    assert 'other keys' not in capsys.readouterr().err, 'more steps are no change'
    config.steps, config.optimizer.lr, config.data.max_zoom = 4, 5e-4, 1.25
    run_config(config)
    told = capsys.readouterr().err
    assert 'goes on at step 3 with other keys: data.max_zoom 1.5 to 1.25, optimizer.lr' in told


def test_what_changes_no_update_needs_no_word(make_config, tmp_path):
    config, file = make_config('metric_prior'), tmp_path / 'config.yaml'
    save_config(config, file)
    assert changes(file, replace(config, steps=9, threads=2, workers=2, save_every=1)) == []
    assert changes(file, replace(config, batch=3, workers=2)) == ['batch 2 to 3']
    file.write_text('steps: [')
    with pytest.raises(SettingsError, match=r'config\.yaml: '):
        changes(file, config)


def test_a_run_of_two_processes_does_not_go_on_with_one(make_config, tmp_path):
    config, accelerator = make_config('metric_prior', steps=2), Accelerator(cpu=True)
    run_config(config)
    progress = read_progress(tmp_path / 'run' / 'checkpoint')
    assert progress.processes == 1
    check_processes(progress, accelerator, config.output)
    of_two = replace(progress, processes=2)
    with pytest.raises(SettingsError, match='trained by 2 processes, and each draws its own'):
        check_processes(of_two, accelerator, config.output)


def test_an_output_that_is_a_file_is_refused(make_config, tmp_path):
    (tmp_path / 'run').write_text('')
    with pytest.raises(OutputError, match=r'cannot make the folder .*run'):
        run_config(make_config('metric_prior'))


@pytest.mark.parametrize('objective', OBJECTIVES)
def test_a_run_starts_from_a_checkpoint_or_a_bundle(make_config, tmp_path, objective):
    first, _ = run_config(make_config(objective, output=str(tmp_path / 'first')))
    average = load_file(tmp_path / 'first/checkpoint/average.safetensors')
    first.export(tmp_path / 'bundle', {'name': 'tiny'})
    for source in ('first/checkpoint', 'bundle'):
        config = make_config(
            objective,
            init_from=str(tmp_path / source),
            steps=1,
            output=str(tmp_path / 'next' / source),
        )
        config.optimizer.lr = 0.0
        second, _ = run_config(config)
        for name, value in second.trained.state_dict().items():
            if source == 'bundle' and name.startswith('adapter'):
                continue  # serves the training alone
            torch.testing.assert_close(value, average[name], rtol=1e-3, atol=1e-4)


def test_a_start_of_another_shape_is_refused(make_config, tmp_path):
    run_config(make_config('apdepth_depth', steps=1))
    start = {'init_from': str(tmp_path / 'run/checkpoint'), 'output': str(tmp_path / 'other')}
    with pytest.raises(WeightsError, match='is of another network than model describes'):
        run_config(make_config('apdepth_depth', model={'block_channels': [8, 8]}, **start))
    with pytest.raises(WeightsError, match='holds networks unet, this run trains network'):
        run_config(make_config('metric_prior', **start))


def test_stage_2_goes_on_from_stage_1(make_config, tmp_path):
    run_config(make_config('apdepth_align', steps=1, output=str(tmp_path / 'first')))
    average = load_file(tmp_path / 'first/checkpoint/average.safetensors')
    config = make_config(
        'apdepth_depth', loss={'stage1': True}, init_from=str(tmp_path / 'first/checkpoint')
    )
    objective = built(config)
    begin(config, objective)
    for name, value in objective.trained.state_dict().items():
        assert torch.equal(value, average[name])


def test_sigterm_and_a_time_limit_save_and_end(make_config, tmp_path, capsys):
    limited = make_config('metric_prior', steps=1000, exit_after_min=1e-6)
    run_config(limited)
    assert 'minutes are over; saved at step 1' in capsys.readouterr().err
    assert read_progress(tmp_path / 'run/checkpoint').step == 1

    class Terminating(MetricPrior):
        def forward(self, batch, step):
            if step == 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().forward(batch, step)

    before = signal.getsignal(signal.SIGTERM)
    config = make_config('metric_prior', steps=1000, validate_every=1000, save_every=1000)
    torch.manual_seed(config.seed)
    train(config, Terminating(config))
    assert 'SIGTERM; saved at step 3' in capsys.readouterr().err
    assert read_progress(tmp_path / 'run/checkpoint').step == 3
    assert signal.getsignal(signal.SIGTERM) is before


def test_losses_are_means_over_micro_steps(make_config, tmp_path):
    config = make_config('metric_prior', steps=1, accumulate=3)
    run_config(config)
    fresh = built(config)
    losses = [fresh(batch_of(config, step), 0)['loss'] for step in range(3)]
    [row] = [row for row in rows(tmp_path / 'run') if 'loss' in row]
    assert row['loss'] == pytest.approx(float(sum(losses).detach()) / 3, rel=1e-5)
    assert 0.0 <= row['data_seconds_per_step'] <= row['seconds_per_step']


def test_pictures_are_drawn(make_config, tmp_path, subtests):
    for name in ('metric_prior', 'sharpdepth'):
        with subtests.test(name):
            output = tmp_path / name
            run_config(make_config(name, steps=1, pictures=2, output=str(output)))
            sheet = cv2.imread(str(output / 'pictures/step_000001.png'))
            assert sheet.std() > 10


def test_the_environment_is_written(make_config, tmp_path):
    run_config(make_config('metric_prior', steps=1))
    facts = json.loads((tmp_path / 'run/environment.json').read_text())
    assert facts['torch'] == torch.__version__
    assert facts.keys() >= {'revision', 'command', 'python', 'gpus', 'threads'}


def test_recomputed_activations_change_no_gradient(make_config, subtests):
    for name in ('apdepth_depth', 'sharpdepth'):
        with subtests.test(name):
            config = make_config(name)
            gradients = []
            for recompute in (False, True):
                objective = built(config)
                if recompute:
                    objective.recompute_activations()
                objective(batch_of(config), 0)['loss'].backward()
                gradients.append([value.grad for value in objective.trained.parameters()])
            for plain, recomputed in zip(*gradients):
                torch.testing.assert_close(plain, recomputed)


def test_a_run_without_true_depth_has_no_figure_and_goes_on(make_config, tmp_path):
    config = make_config('sharpdepth', validate_every=1, save_every=1, steps=2)
    config.data.priors = {'computed': 1.0}
    folder = write_rooms(tmp_path / 'blind', shards=(3,))
    np.save(folder / 'depth_00000.npy', np.zeros((3, 48, 64), np.float16))
    for sets in (config.data.train, config.data.validation):
        sets['rooms'].path = str(folder)
    run_config(config)
    assert read_progress(tmp_path / 'run/checkpoint').step == 2
    assert read_progress(tmp_path / 'run/best').step == 2
    config.steps = 3
    run_config(config)
    assert read_progress(tmp_path / 'run/checkpoint').step == 3
