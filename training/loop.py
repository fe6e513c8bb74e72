# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one training loop: batch, loss, finite check, clip, step, average, log, validate, save."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
import sys
from typing import Any

from accelerate import Accelerator
from depth_refiner_ros.core.errors import DepthRefinerError, SettingsError
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.models.bundle import MANIFEST
import torch
from torch import nn
from training.checkpoint import (
    fill,
    LastCheckpoint,
    load_average,
    Progress,
    save_checkpoint,
    Trained,
)
from training.config import OptimizerConfig, RunConfig, save_config
from training.data.batches import Batch, stream, validation_batches
from training.data.rooms import RenderedRooms
from training.ema import Ema
from training.log import Log
from training.muon import Muon
from training.objectives.base import Figures, Objective
from training.schedule import learning_rate_factor

LAST, BEST = 'checkpoint', 'best'


class NotFiniteError(DepthRefinerError):
    """A loss or gradient that is not finite; the run stops before it corrupts the weights."""


def train(config: RunConfig, objective: Objective) -> Figures:
    """
    Run an objective to its last step, resuming from the run's checkpoint if it has one.

    :return: the last validation figures; the best ones where the run was finished before
    :raises NotFiniteError: with the step, where loss or gradient is not finite
    :raises OutputError: where another process writes to the run's folder, or it cannot be written
    """
    torch.manual_seed(config.seed)
    accelerator = Accelerator(
        mixed_precision=config.precision, gradient_accumulation_steps=config.accumulate
    )
    data = RenderedRooms.of(config.data.rooms), RenderedRooms.of(config.data.validation)
    if config.init_from:
        _start_from(config.init_from, objective)
    if not accelerator.is_main_process:
        return _train(config, objective, accelerator, *data)
    with locked_folder(Path(config.output)):
        return _train(config, objective, accelerator, *data)


def _train(
    config: RunConfig,
    objective: Objective,
    accelerator: Accelerator,
    rooms: RenderedRooms,
    held_out: RenderedRooms,
) -> Figures:
    output, main = Path(config.output), accelerator.is_main_process
    network, optimizer = accelerator.prepare(
        objective.network, make_optimizer(objective.network, config.optimizer)
    )
    ema = Ema(objective.network, config.ema_decay)
    trained = Trained(
        network=objective.network, average=ema.average, optimizer=optimizer.optimizer
    )
    checkpoint = LastCheckpoint(output / LAST, note if main else _silent)
    progress = checkpoint.resume(trained)
    _check_steps(progress, config)
    done, figures, best = progress.step, progress.best, progress.best
    if main:
        save_config(config, output / 'config.yaml')
        if done == config.steps:
            note(f'{output} is finished at step {done}; raise steps to train on')
    drawn = stream(
        rooms,
        config.data,
        config.batch,
        seed=config.seed,
        first_step=done * config.accumulate,
        rank=accelerator.process_index,
    )
    with closing(drawn) as batches, Log(output, config, done=done, speaks=main) as log:
        for step in range(done, config.steps):
            factor = learning_rate_factor(step, config.optimizer, config.steps)
            for group in optimizer.param_groups:
                group['lr'] = config.optimizer.lr * factor
            parts = _update(accelerator, network, objective, optimizer, batches, config, step)
            ema.update(objective.network, step)
            log.step(step + 1, parts, config.optimizer.lr * factor)
            last = step + 1 == config.steps
            if last or (step + 1) % config.validate_every == 0:
                figures = _validate(accelerator, objective, ema, held_out, config)
                log.validation(step + 1, figures)
                if figures[objective.best_by] <= best.get(objective.best_by, float('inf')):
                    best = figures
                    if main:
                        save_checkpoint(output / BEST, trained, Progress(step=step + 1, best=best))
            if main and (last or (step + 1) % config.save_every == 0):
                checkpoint.save(trained, Progress(step=step + 1, best=best))
    return figures


def make_optimizer(network: nn.Module, config: OptimizerConfig) -> torch.optim.Optimizer:
    """
    Build the optimiser; vectors (biases, norms) are not decayed.

    :param config: its name is one of :data:`~training.config.OPTIMIZERS`
    """
    kinds: dict[str, Any] = {'adamw': torch.optim.AdamW, 'adam': torch.optim.Adam, 'muon': Muon}
    trained = [value for value in network.parameters() if value.requires_grad]
    groups = [
        {
            'params': [value for value in trained if value.ndim > 1],
            'weight_decay': config.weight_decay,
        },
        {'params': [value for value in trained if value.ndim <= 1], 'weight_decay': 0.0},
    ]
    optimizer: torch.optim.Optimizer = kinds[config.name](groups, lr=config.lr)
    return optimizer


def _start_from(where: str, objective: Objective) -> None:
    is_bundle = where == 'bundled' or (Path(where) / MANIFEST).is_file()
    state = objective.model.bundle_weights(where) if is_bundle else load_average(Path(where))
    fill(objective.network, state, f'init_from = {where}')


def _check_steps(progress: Progress, config: RunConfig) -> None:
    if progress.step > config.steps:
        raise SettingsError(
            f'steps = {config.steps} is below step {progress.step}, which the run in '
            f'{config.output} has reached; raise steps or name another output'
        )


def _update(
    accelerator: Accelerator,
    network: nn.Module,
    objective: Objective,
    optimizer: Any,
    batches: Iterator[Batch],
    config: RunConfig,
    step: int,
) -> Figures:
    parts: Figures = {}
    for _ in range(config.accumulate):
        with accelerator.accumulate(network):
            with accelerator.autocast():
                batch = next(batches).to(accelerator.device)
                loss, parts = objective.loss(network, batch, step)
            if not torch.isfinite(loss):
                raise NotFiniteError(
                    f'loss is {float(loss.detach())} at step {step}: {parts}; '
                    'lower optimizer.lr or look at the data of this step'
                )
            accelerator.backward(loss)
            if accelerator.sync_gradients:
                limit = config.optimizer.max_grad_norm or float('inf')
                norm = accelerator.clip_grad_norm_(network.parameters(), limit)
                if not torch.isfinite(norm):
                    raise NotFiniteError(
                        f'gradient norm is {float(norm)} at step {step}; lower optimizer.lr'
                    )
            optimizer.step()
            optimizer.zero_grad()
    return {'loss': float(loss.detach()), **parts}


def _validate(
    accelerator: Accelerator,
    objective: Objective,
    ema: Ema,
    rooms: RenderedRooms,
    config: RunConfig,
) -> Figures:
    """Validate the averaged weights, then restore the raw ones."""
    network = objective.network
    raw = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(ema.average)
    network.eval()
    batches = validation_batches(rooms, config.data, config.batch, config.validation_samples)
    figures = objective.validate(batch.to(accelerator.device) for batch in batches)
    network.train()
    network.load_state_dict(raw)
    return figures


def note(line: str) -> None:
    """Print a remark to stderr."""
    print(line, file=sys.stderr, flush=True)


def _silent(line: str) -> None:
    """Print nothing: the main process does."""
