# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two processes take the step that one would take with both of their batches."""

from collections import namedtuple
import json
import os
import socket

from depth_refiner_ros.models.bundle import open_bundle
import pytest
from safetensors.torch import load_file
import torch
from training import run
from training.config_file import save_config
from training.data.batches import MicroBatches
from training.data.mixture import Mixture
from training.optimizers import make_optimizers
from training.schedule import learning_rate_factor

from tests.training.tiny_runs import built
from tests.warm_server import start

Ended = namedtuple('Ended', 'returncode output')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def launch(config, tmp_path, second=None):
    """
    Run two processes with the variables that torchrun gives them (test_elastic.py runs it).

    :param second: folder that the second one starts in
    """
    save_config(config, tmp_path / 'config.yaml')
    shared = {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'CUDA_VISIBLE_DEVICES': '',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(free_port()),
        'WORLD_SIZE': '2',
        'LOCAL_WORLD_SIZE': '2',
    }
    started = [
        start(
            run.main,
            [str(tmp_path / 'config.yaml')],
            (second if rank else None) or tmp_path,
            {**shared, 'RANK': str(rank), 'LOCAL_RANK': str(rank)},
            daemon=False,  # readers of data are its children
        )
        for rank in range(2)
    ]
    output = ''
    for process, text in started:
        with text:
            output += text.read()
        process.join(300)
    return Ended(max(process.exitcode for process, _ in started), output)


@pytest.mark.parametrize('shard', [False, True])
def test_a_step_of_two_is_a_step_of_one_with_twice_the_batch(make_config, tmp_path, shard):
    config = make_config('sharpdepth', steps=1, validate_every=1, save_every=1, shard=shard)
    config.pictures, config.bundle = 1, str(tmp_path / 'bundle')
    ended = launch(config, tmp_path)
    assert ended.returncode == 0, ended.output[-2000:]
    assert ended.output.count('/bundle') == 1, 'one process exports'
    open_bundle(tmp_path / 'bundle', 'refiner')

    objective = built(config)
    [optimizer] = make_optimizers(objective.trained, config.optimizer).values()
    for group in optimizer.param_groups:
        group['lr'] = config.optimizer.lr * learning_rate_factor(0, config.optimizer, config.steps)
    losses = []
    for rank in range(2):
        mixture = Mixture.of('train', config.data)
        batch = MicroBatches(mixture, config.batch, seed=config.seed, rank=rank)[0]
        losses.append(objective(batch, 0)['loss'] / 2)
    sum(losses).backward()
    torch.nn.utils.clip_grad_norm_(objective.trained.parameters(), config.optimizer.max_grad_norm)
    optimizer.step()

    trained = load_file(tmp_path / 'run/checkpoint/weights.safetensors')
    compared = 0
    for key, value in objective.trained.named_parameters():
        # Adam's first step is as long for a gradient of rounding noise: those are left out.
        clear = value.grad.abs() > 1e-5
        torch.testing.assert_close(
            trained[key][clear], value.detach()[clear], rtol=1e-4, atol=1e-5
        )
        compared += int(clear.sum())
    assert compared > 1000
    rows = [json.loads(line) for line in (tmp_path / 'run/log.jsonl').read_text().splitlines()]
    mean = float(sum(losses).detach())
    assert rows[0]['loss'] == pytest.approx(mean, rel=1e-4), 'the mean of both processes'


def test_both_processes_stop_where_the_loss_is_not_finite(make_config, tmp_path):
    config = make_config('metric_prior', steps=100, validate_every=100, save_every=100)
    config.optimizer.lr, config.optimizer.max_grad_norm = 1000.0, 0.0
    ended = launch(config, tmp_path)
    assert ended.returncode != 0
    lines = [line for line in ended.output.splitlines() if 'lower optimizer.lr' in line]
    assert len(lines) == 2, ended.output[-2000:]
    assert len({line.partition(' at step ')[2].split(':')[0] for line in lines}) == 1
    assert not (tmp_path / 'run/checkpoint').exists()


@pytest.mark.parametrize('shard', [False, True])
def test_processes_that_find_different_checkpoints_stop(make_config, tmp_path, shard):
    config = make_config('metric_prior', steps=2, shard=shard)
    config.output = 'run'
    assert launch(config, tmp_path).returncode == 0
    config.steps = 1  # below what the first has reached: still both say the same
    elsewhere = tmp_path / 'another_machine'
    elsewhere.mkdir()
    ended = launch(config, tmp_path, elsewhere)
    assert ended.returncode == 2, ended.output[-2000:]
    told = 'processes find run at steps 0, 2; name an output that all machines see'
    assert ended.output.splitlines().count(told) == 2
    assert not list(elsewhere.iterdir())
