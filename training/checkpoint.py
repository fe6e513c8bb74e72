"""
Checkpoints that resume bit for bit: safetensors and JSON, replaced atomically.

All randomness of a run is a function of its seed and step (see ``training/data/batches.py``), so
weights, average, optimiser moments and the step are the whole state.
"""

import json
from pathlib import Path
import shutil
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import first_line
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
import torch
from torch import nn

FILES = ('weights.safetensors', 'average.safetensors', 'optimizer.safetensors', 'state.json')


def save_checkpoint(
    folder: Path,
    *,
    network: nn.Module,
    average: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    step: int,
    best: dict[str, float],
) -> None:
    """
    Write a checkpoint; the one before stays whole until the new one is complete.

    :param step: updates done
    :param best: best validation figures so far
    """
    staging = folder.with_name(f'.{folder.name}.writing')
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    names = _parameter_names(network, optimizer)
    moments: dict[str, torch.Tensor] = {}
    for index, state in optimizer.state_dict()['state'].items():
        moments.update(
            {f'{names[index]}/{key}': torch.as_tensor(value) for key, value in state.items()}
        )
    save_file(
        {key: value.contiguous() for key, value in network.state_dict().items()},
        staging / 'weights.safetensors',
    )
    save_file(average, staging / 'average.safetensors')
    save_file(moments, staging / 'optimizer.safetensors')
    (staging / 'state.json').write_text(json.dumps({'step': step, 'best': best}))
    previous = folder.with_name(f'.{folder.name}.previous')
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    staging.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def load_checkpoint(
    folder: Path,
    *,
    network: nn.Module,
    average: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
) -> dict[str, Any]:
    """
    Restore a run in place.

    :return: ``{'step': updates done, 'best': figures}``
    :raises WeightsError: where a file is missing, corrupt or of another network
    """
    if not folder.exists():  # killed between the two renames of a save
        folder = folder.with_name(f'.{folder.name}.previous')
    for name in FILES:
        if not (folder / name).is_file():
            raise WeightsError(f'{folder} is no checkpoint: {name} is missing')
    try:
        network.load_state_dict(load_file(folder / 'weights.safetensors'))
        stored = load_file(folder / 'average.safetensors')
        moments = load_file(folder / 'optimizer.safetensors')
        state: dict[str, Any] = json.loads((folder / 'state.json').read_text())
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise WeightsError(
            f'cannot resume from {folder}: {first_line(error)}; give the run '
            'another output or the configuration that it began with'
        ) from error
    if set(stored) != set(average):
        raise WeightsError(f'{folder}: the average belongs to another network')
    for name, value in stored.items():
        average[name].copy_(value)  # in place, so that it stays on the network's device
    _restore_moments(optimizer, _parameter_names(network, optimizer), moments)
    return state


def load_average(folder: Path) -> dict[str, torch.Tensor]:
    """
    Read the averaged weights of a checkpoint.

    :raises WeightsError: where they are missing or corrupt
    """
    file = folder / 'average.safetensors'
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f'{file} is no average of a checkpoint: {first_line(error)}') from error


def fill(network: nn.Module, state: dict[str, torch.Tensor], where: Path | str) -> None:
    """
    Put weights into a network.

    :param where: they come from, for the message
    :raises WeightsError: where they are of another network
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f'{where} is of another network than model describes: {first_line(error)}'
        ) from error


def _parameter_names(network: nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    """Name the parameters in the optimiser's own order, which groups change."""
    names = {id(value): name for name, value in network.named_parameters()}
    return [names[id(value)] for group in optimizer.param_groups for value in group['params']]


def _restore_moments(
    optimizer: torch.optim.Optimizer, names: list[str], moments: dict[str, torch.Tensor]
) -> None:
    indices = {name: index for index, name in enumerate(names)}
    states: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in moments.items():
        name, _, moment = key.rpartition('/')
        states.setdefault(indices[name], {})[moment] = value
    tree = optimizer.state_dict()
    optimizer.load_state_dict({'state': states, 'param_groups': tree['param_groups']})
