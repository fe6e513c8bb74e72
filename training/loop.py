# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The one training loop: batch, loss, finite check, clip, step, average, log, validate, save."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from math import inf, isfinite
from pathlib import Path

from accelerate import Accelerator, DistributedDataParallelKwargs
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.models.bundle import is_bundle
from depth_refiner_ros.sources.lost_frames import LostFrame
import torch
from training.checkpoint import LastCheckpoint, load_average, Progress, save_checkpoint, Trained
from training.config import RunConfig
from training.config_file import save_config
from training.data.batches import Batch, first_of_each, validation_batches
from training.data.loader import stream
from training.data.mixture import Mixture
from training.data.true_depth import check_true_depth
from training.environment import write_environment
from training.log import Log
from training.objectives.base import Figures, Objective
from training.optimizers import freeze, make_optimizers
from training.pictures import write_pictures
from training.restart import rejoin
from training.resume import changes, check_goes_on
from training.schedule import learning_rate_factor
from training.sharding import shard
from training.stop import Stop
from training.update import update

LAST, BEST = 'checkpoint', 'best'


def train(config: RunConfig, objective: Objective) -> Figures:
    """
    Run an objective to its last step, resuming from the run's checkpoint if it has one.

    :return: the last validation figures; the best ones where the run was finished before
    :raises NotFiniteError: with the step, where loss or gradient is not finite
    :raises OutputError: where another process writes to the run's folder, or it cannot be written
    """
    torch.manual_seed(config.seed)
    rejoin()
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # else several processes without a GPU train apart
        mixed_precision='no' if config.precision == 'fp32' else config.precision,
        gradient_accumulation_steps=config.accumulate,
        kwargs_handlers=[
            DistributedDataParallelKwargs(find_unused_parameters=objective.some_unused)
        ],
    )
    images = Mixture.of('train', config.data), Mixture.of('validation', config.data)
    if objective.learns_depth:
        check_true_depth(
            config.objective, images[0], note if accelerator.is_main_process else _silent
        )
    begin(config, objective)
    with ExitStack() as held:
        if accelerator.is_main_process:
            held.enter_context(locked_folder(Path(config.output)))
        return _train(config, objective, accelerator, *images)


def begin(config: RunConfig, objective: Objective) -> None:
    """Put the weights that the run starts from into an objective."""
    where = config.init_from
    if not where:
        objective.begin(None, '')
        return
    state = objective.bundle_weights(where) if is_bundle(where) else load_average(Path(where))
    objective.begin(state, f'init_from = {where}')


def _train(
    config: RunConfig,
    objective: Objective,
    accelerator: Accelerator,
    images: Mixture,
    held_out: Mixture,
) -> Figures:
    output, main = Path(config.output), accelerator.is_main_process
    if config.recompute:
        objective.recompute_activations()
    objective.ema.networks.to(accelerator.device)
    if objective.channels_last and not config.shard:  # shards are of contiguous tensors
        for networks in (objective.trained, objective.ema.networks):
            networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    freeze(objective.trained, config.optimizer)
    # Sharded networks average their gradients by themselves: they are not wrapped.
    wrapped = accelerator.prepare_model(objective, evaluation_mode=config.shard)
    if config.shard:
        shard(objective, config, accelerator.device)
    optimizers = make_optimizers(objective.trained, config.optimizer)
    steppers = [accelerator.prepare(optimizer) for optimizer in optimizers.values()]
    trained = Trained(
        networks=objective.trained, average=objective.ema.networks, optimizers=optimizers
    )
    checkpoint = LastCheckpoint(output / LAST, note if main else _silent)
    fits = partial(check_goes_on, accelerator=accelerator, config=config)
    progress = checkpoint.resume(trained, fits)
    done, figures, best = progress.step, progress.best, progress.best
    if main:
        if done and (changed := changes(output / 'config.yaml', config)):
            note(f'{output} goes on at step {done} with other keys: {", ".join(changed)}')
        save_config(config, output / 'config.yaml')
        write_environment(output / 'environment.json')
        if done == config.steps:
            note(f'{output} is finished at step {done}; raise steps to train on')

    def at(step: int, best: Figures) -> Progress:
        return Progress(step=step, best=best, processes=accelerator.num_processes)

    if done < config.steps:
        _try_validation(accelerator, objective, held_out, config)
    batches = stream(config, images, done=done, rank=accelerator.process_index)
    with Stop(config.exit_after_min) as stop, Log(output, config, done=done, speaks=main) as log:
        for step in range(done, config.steps):
            factor = learning_rate_factor(step, config.optimizer, config.steps)
            for stepper in steppers:
                for group in stepper.param_groups:
                    group['lr'] = config.optimizer.lr * factor * group['rate']
            parts = update(accelerator, wrapped, objective, steppers, batches, config, step, log)
            objective.ema.update(objective.trained, step + 1)
            log.step(step + 1, parts, config.optimizer.lr * factor)
            last, stopping = step + 1 == config.steps, stop.asked(accelerator)
            if last or (step + 1) % config.validate_every == 0:
                figures, lost = _validate(accelerator, objective, held_out, config, step + 1)
                log.validation(step + 1, figures, lost)
                now, before = (known.get(objective.best_by, inf) for known in (figures, best))
                if now <= before:  # without true depth there is no figure, and the last is best
                    best = figures
                    save_checkpoint(output / BEST, trained, at(step + 1, best), writes=main)
            if last or stopping or (step + 1) % config.save_every == 0:
                checkpoint.save(trained, at(step + 1, best), writes=main)
            if stopping and not last:
                note(f'{stop.reason}; saved at step {step + 1}, the same command goes on')
                break
    return figures


def _validate(
    accelerator: Accelerator, objective: Objective, images: Mixture, config: RunConfig, step: int
) -> tuple[Figures, list[LostFrame]]:
    """Return the figures of the averaged weights, equal in all processes, and lost images."""
    lost: list[LostFrame] = []

    def batches() -> Iterator[Batch]:
        for batch in validation_batches(images, config.batch, config.validation_samples):
            lost.extend(batch.lost)
            yield batch

    figures = _figures(accelerator, objective, batches())
    if config.pictures:
        shown = next(validation_batches(images, config.pictures, config.pictures))
        pictures = objective.pictures(shown.to(accelerator.device))
        if accelerator.is_main_process:
            write_pictures(Path(config.output) / 'pictures' / f'step_{step:06d}.png', pictures)
    objective.train()
    return figures, lost


def _try_validation(
    accelerator: Accelerator, objective: Objective, images: Mixture, config: RunConfig
) -> None:
    """Validate with an image of each set: a fault shows now, not after hours of updates."""
    if not config.shard:  # shards that are first used without gradients cannot have any later
        _figures(accelerator, objective, first_of_each(images))
        objective.train()


def _figures(accelerator: Accelerator, objective: Objective, batches: Iterator[Batch]) -> Figures:
    """Return the figures of the averaged weights that are finite."""
    objective.ema.networks.eval()
    figures = objective.validate(batch.to(accelerator.device) for batch in batches)
    return {name: value for name, value in figures.items() if isfinite(value)}


def _silent(line: str) -> None:
    """Print nothing: the main process does."""
