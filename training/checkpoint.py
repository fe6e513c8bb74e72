# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Checkpoints that resume bit for bit: safetensors and JSON, replaced atomically, with checksums.

All randomness of a run is a function of its seed and step (see ``training/data/batches.py``), so
weights, average, optimiser moments and the step are the whole state.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
import json
from pathlib import Path
import sys
from typing import Any

from depth_refiner_ros.core.atomic import staged_folder
from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.core.messages import first_line, shown
from depth_refiner_ros.models.bundle import read_json, save_tensors, sha256
from safetensors import SafetensorError
from safetensors.torch import load_file
import torch
from torch import nn
from training.shares import placed, whole

WEIGHTS, AVERAGE, OPTIMIZER = 'weights.safetensors', 'average.safetensors', 'optimizer.safetensors'
STATE, HASHES = 'state.json', 'sha256.json'
HASHED = (WEIGHTS, AVERAGE, OPTIMIZER, STATE)
FIX = 'copy the checkpoint again'


class DamagedError(WeightsError):
    """A checkpoint that is incomplete, or whose bytes are not those that were written."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    How far a run is.

    :param step: updates done
    :param best: best validation figures so far
    :param processes: how many trained it, 0 if that is not known
    """

    step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    processes: int = 0


@dataclass(frozen=True, kw_only=True)
class Trained:
    """
    The state that a run changes; restored in place.

    :param networks: trained networks by name; frozen ones are not part of a checkpoint
    :param average: the averaged ones
    :param optimizers: by name
    """

    networks: nn.ModuleDict
    average: nn.ModuleDict
    optimizers: Mapping[str, torch.optim.Optimizer]


class LastCheckpoint:
    """
    The newest checkpoint of a run and the one before, used if the newest is damaged.

    :param folder: of the newest; ``FOLDER.previous`` holds the one before
    :param log: called with one line if the newest cannot be used
    """

    def __init__(self, folder: Path, log: Callable[[str], None]) -> None:
        self._folder, self._log = folder, log
        self._previous: Path | None = folder.with_name(f'{folder.name}.previous')
        self._newest_is_sound = True

    def save(self, trained: Trained, progress: Progress, *, writes: bool = True) -> None:
        """
        Write a checkpoint; the newest so far becomes the one before.

        :param writes: see :func:`save_checkpoint`
        :raises OutputError: where the disk is full; both checkpoints stay
        """
        kept = self._previous if self._newest_is_sound else None
        save_checkpoint(self._folder, trained, progress, previous=kept, writes=writes)
        self._newest_is_sound = True

    def resume(self, trained: Trained, check: Callable[[Progress], None]) -> Progress:
        """
        Restore a run in place; a run without a checkpoint is at step 0.

        :param check: raises where the run cannot go on from there; called before anything is
            restored, since processes restore shared tensors together
        :raises WeightsError: where no checkpoint is sound, or one is of another network
        """
        found = [path for path in (self._folder, self._previous) if path and path.exists()]
        faults = []
        for folder in found:
            try:
                check_hashes(folder)
                progress = read_progress(folder)
                check(progress)
                _restore(folder, trained)
            except DamagedError as error:
                faults.append(str(error))
                continue
            if folder != self._folder:
                self._newest_is_sound = False
                fault = faults[0] if faults else f'{self._folder} is missing'
                self._log(f'{fault}; resuming from {folder} at step {progress.step}')
            return progress
        if faults:
            raise WeightsError(
                f'{"; ".join(faults)}; no sound checkpoint is left, give the run another output'
            )
        progress = Progress()
        check(progress)
        return progress


def save_checkpoint(
    folder: Path,
    trained: Trained,
    progress: Progress,
    *,
    previous: Path | None = None,
    writes: bool = True,
) -> None:
    """
    Write a checkpoint; an older one there stays until the new one is complete.

    :param previous: where it goes then; None removes it
    :param writes: False in all processes but one; they give their shares of the tensors
    :raises OutputError: where the disk is full
    """
    moments = {
        f'{name}/{key}': value
        for name, optimizer in trained.optimizers.items()
        for key, value in _moments(trained.networks, optimizer).items()
    }
    tensors = {
        WEIGHTS: trained.networks.state_dict(),
        AVERAGE: trained.average.state_dict(),
        OPTIMIZER: moments,
    }
    for state in tensors.values():
        for name, value in state.items():
            shared = whole(value)
            state[name] = shared if writes else value
    if not writes:
        return
    with staged_folder(folder, previous=previous) as staging:
        for name, state in tensors.items():
            save_tensors(state, staging / name)
        facts = {**asdict(progress), 'optimizers': _kinds(trained)}
        (staging / STATE).write_text(json.dumps(facts) + '\n')
        hashes = {name: sha256(staging / name) for name in HASHED}
        (staging / HASHES).write_text(json.dumps(hashes, indent=1) + '\n')


def load_average(folder: Path) -> dict[str, torch.Tensor]:
    """
    Read the averaged weights of a checkpoint.

    :raises WeightsError: where they are missing or damaged
    """
    if not (folder / AVERAGE).is_file():
        raise WeightsError(
            f'{folder / AVERAGE} is missing, so {folder} is no checkpoint; name the folder '
            'checkpoint or best of a run'
        )
    check_hashes(folder)
    return _tensors(folder / AVERAGE)


def read_progress(folder: Path) -> Progress:
    """
    Read how far the run of a checkpoint was.

    :raises DamagedError: where the file is missing or holds something else
    """
    file = folder / STATE
    tree = _json(file)
    step, best = tree.get('step'), tree.get('best')
    if type(step) is not int or step < 0:
        raise DamagedError(f'{file}: step = {shown(step)} must be a number of updates; {FIX}')
    if not isinstance(best, dict) or not all(map(_is_figure, best.values())):
        raise DamagedError(f'{file}: best = {shown(best)} must hold finite numbers by name; {FIX}')
    processes = tree.get('processes', 0)
    if type(processes) is not int or processes < 0:
        raise DamagedError(f'{file}: processes = {shown(processes)} must be their number; {FIX}')
    return Progress(step=step, best=best, processes=processes)


def check_hashes(folder: Path) -> None:
    """
    Compare every file of a checkpoint with its hash.

    :raises DamagedError: naming the file that is missing or differs
    """
    hashes = _json(folder / HASHES)
    for name in HASHED:
        try:
            found = sha256(folder / name)
        except OSError as error:
            raise DamagedError(f'{folder / name} is not readable: {error.strerror}') from error
        if found != hashes.get(name):
            raise DamagedError(
                f'{folder / name} differs from its hash in {HASHES} (truncated or changed)'
            )


def _restore(folder: Path, trained: Trained) -> None:
    written = _json(folder / STATE).get('optimizers')
    if written != _kinds(trained):
        raise WeightsError(
            f'cannot resume from {folder}: it was written by {shown(written)}, the run has '
            f'{_kinds(trained)}; restore optimizer.name or give the run another output'
        )
    average, moments = _tensors(folder / AVERAGE), _tensors(folder / OPTIMIZER)
    try:
        _load(trained.networks, _tensors(folder / WEIGHTS))
        _load(trained.average, average)
        for name, optimizer in trained.optimizers.items():
            own = {
                key.partition('/')[2]: value
                for key, value in moments.items()
                if key.partition('/')[0] == name
            }
            _restore_moments(trained.networks, optimizer, own)
    except (RuntimeError, KeyError, ValueError) as error:
        raise WeightsError(
            f'cannot resume from {folder}: {first_line(error)}; give the run '
            'another output or the configuration that it began with'
        ) from error


def _load(networks: nn.ModuleDict, state: Mapping[str, torch.Tensor]) -> None:
    own = networks.state_dict()
    networks.load_state_dict(
        {name: placed(value, own[name]) if name in own else value for name, value in state.items()}
    )


def _kinds(trained: Trained) -> dict[str, str]:
    return {name: type(optimizer).__name__ for name, optimizer in trained.optimizers.items()}


def _moments(networks: nn.ModuleDict, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    names = _parameter_names(networks, optimizer)
    return {
        f'{names[index]}/{key}': torch.as_tensor(value)
        for index, state in optimizer.state_dict()['state'].items()
        for key, value in state.items()
    }


def _restore_moments(
    networks: nn.ModuleDict, optimizer: torch.optim.Optimizer, moments: Mapping[str, torch.Tensor]
) -> None:
    names = _parameter_names(networks, optimizer)
    own = dict(networks.named_parameters())
    indices = {name: index for index, name in enumerate(names)}
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in moments.items():
        name, _, moment = key.rpartition('/')
        states.setdefault(indices[name], {})[moment] = placed(value, own[name])
    groups = optimizer.state_dict()['param_groups']
    optimizer.load_state_dict({'state': states, 'param_groups': groups})


def _parameter_names(networks: nn.ModuleDict, optimizer: torch.optim.Optimizer) -> list[str]:
    """Return the parameters' names in the optimiser's order, which depends on its groups."""
    names = {id(value): name for name, value in networks.named_parameters()}
    return [names[id(value)] for group in optimizer.param_groups for value in group['params']]


def _json(file: Path) -> dict[str, Any]:
    try:
        return read_json(file, FIX)
    except WeightsError as error:
        raise DamagedError(str(error)) from error


def _tensors(file: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise DamagedError(f'{file} is not readable safetensors: {first_line(error)}') from error


def _is_figure(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
