"""The one training loop: batch, loss, finite check, clip, step, average, log, validate, save."""

from collections.abc import Iterator
from contextlib import closing
import json
import os
from pathlib import Path
import time
from typing import Any

from accelerate import Accelerator
from depth_refiner_ros.core.errors import DepthRefinerError, SettingsError, WeightsError
from depth_refiner_ros.models.bundle import MANIFEST
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
import torch
from torch import nn
from training.checkpoint import fill, load_average, load_checkpoint, save_checkpoint
from training.config import OptimizerConfig, RunConfig, save_config
from training.data.batches import Batch, stream, validation_batches
from training.data.rooms import RenderedRooms
from training.ema import Ema
from training.muon import Muon
from training.objectives.base import Figures, Objective
from training.schedule import learning_rate_factor

LAST, BEST = 'checkpoint', 'best'


class NotFiniteError(DepthRefinerError):
    """A loss or gradient that is not a number; the run stops before it spoils the weights."""


def train(config: RunConfig, objective: Objective) -> Figures:
    """
    Run an objective to its last step, resuming from the run's checkpoint where there is one.

    :return: the last validation figures
    :raises NotFiniteError: with the step, where loss or gradient is not finite
    """
    torch.manual_seed(config.seed)
    accelerator = Accelerator(
        mixed_precision=config.precision, gradient_accumulation_steps=config.accumulate
    )
    rooms = RenderedRooms.of(config.data.rooms)
    held_out = RenderedRooms.of(config.data.validation)
    output = _run_folder(config)
    if config.init_from:
        _start_from(config.init_from, objective)
    network, optimizer = accelerator.prepare(
        objective.network, make_optimizer(objective.network, config.optimizer)
    )
    ema = Ema(objective.network, config.ema_decay)
    done, best = _resume(output / LAST, objective.network, ema, optimizer.optimizer)
    drawn = stream(
        rooms,
        config.data,
        config.batch,
        seed=config.seed,
        first_step=done * config.accumulate,
        rank=accelerator.process_index,
    )
    figures: Figures = {}
    with closing(drawn) as batches, Log(output, config, accelerator.is_main_process) as log:
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
                    _save(accelerator, output / BEST, objective, ema, optimizer, step + 1, best)
            if last or (step + 1) % config.save_every == 0:
                _save(accelerator, output / LAST, objective, ema, optimizer, step + 1, best)
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
    state = objective.bundle_weights(where) if is_bundle else load_average(Path(where))
    fill(objective.network, state, f'init_from = {where}')


def _run_folder(config: RunConfig) -> Path:
    output = Path(config.output)
    try:
        output.mkdir(parents=True, exist_ok=True)
        save_config(config, output / 'config.yaml')
    except OSError as error:
        raise SettingsError(
            f'output = {output} cannot be written: {error.strerror}; name another folder'
        ) from error
    return output


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
    """Judge the averaged weights, then go on with the raw ones."""
    network = objective.network
    raw = {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(ema.average)
    network.eval()
    batches = validation_batches(rooms, config.data, config.batch, config.validation_samples)
    figures = objective.validate(batch.to(accelerator.device) for batch in batches)
    network.train()
    network.load_state_dict(raw)
    return figures


def _resume(
    folder: Path, network: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer
) -> tuple[int, Figures]:
    if not folder.exists() and not folder.with_name(f'.{folder.name}.previous').exists():
        return 0, {}
    state = load_checkpoint(folder, network=network, average=ema.average, optimizer=optimizer)
    return int(state['step']), dict(state['best'])


def _save(
    accelerator: Accelerator,
    folder: Path,
    objective: Objective,
    ema: Ema,
    optimizer: Any,
    step: int,
    best: Figures,
) -> None:
    if not accelerator.is_main_process:
        return
    try:
        save_checkpoint(
            folder,
            network=objective.network,
            average=ema.average,
            optimizer=optimizer.optimizer,
            step=step,
            best=best,
        )
    except OSError as error:
        raise WeightsError(f'cannot save {folder} at step {step}: {error}') from error


class Log:
    """
    One JSON line per logged step, and a progress bar for people.

    :param speaks: False in all processes but one
    """

    def __init__(self, output: Path, config: RunConfig, speaks: bool) -> None:
        self._file = (output / 'log.jsonl' if speaks else Path(os.devnull)).open('a')
        self._every = config.log_every
        self._progress = Progress(
            TextColumn('{task.description}'),
            BarColumn(),
            TextColumn('{task.completed}/{task.total}'),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            disable=not speaks,
        )
        self._task = self._progress.add_task(config.objective, total=config.steps)
        self._sums: dict[str, float] = {}
        self._count = 0
        self._since = time.monotonic()

    def __enter__(self) -> 'Log':
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()
        self._file.close()

    def step(self, step: int, parts: Figures, lr: float) -> None:
        """Note the losses of an update; their means are written every so often."""
        self._count += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._progress.update(self._task, completed=step)
        if step % self._every == 0:
            means = {name: value / self._count for name, value in self._sums.items()}
            seconds = (time.monotonic() - self._since) / self._count
            self._write({'step': step, **means, 'lr': lr, 'seconds_per_step': seconds})
            self._sums, self._count, self._since = {}, 0, time.monotonic()

    def validation(self, step: int, figures: Figures) -> None:
        """Note validation figures."""
        self._write(
            {'step': step, **{f'validation/{key}': value for key, value in figures.items()}}
        )
        self._since = time.monotonic()

    def _write(self, row: dict[str, float]) -> None:
        self._file.write(json.dumps(row) + '\n')
        self._file.flush()
