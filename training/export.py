# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Turn a run into a bundle: averaged weights in fp16, read back and compared with their source."""

from dataclasses import asdict
import json
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.errors import WeightsError
from depth_refiner_ros.models.bundle import open_bundle, read_json
import torch
from training.checkpoint import load_average, read_progress
from training.config import RunConfig
from training.config_file import load_config
from training.log import read_log
from training.loop import begin, LAST
from training.objectives.registry import build_objective
from training.weights import fill

LARGEST_REL = 2e-3
"""fp16 keeps eleven bits: a weight moves by at most 2**-11 of itself."""


def export(run: Path, folder: Path, which: str = LAST, *, notes: dict[str, str]) -> None:
    """
    Export a run.

    :param which: ``checkpoint`` (the last) or ``best`` by validation
    :param notes: go into the record
    :raises WeightsError: where the run has no such weights, or the bundle differs from it
    """
    config = load_config(run / 'config.yaml')
    objective = build_objective(config)
    begin(config, objective)
    fill(objective.ema.networks, load_average(run / which), run / which)
    objective.export(folder, record(run, config, which, notes))
    compare(objective.ema.networks.state_dict(), folder)


def record(run: Path, config: RunConfig, which: str, notes: dict[str, str]) -> dict[str, Any]:
    """Return how the weights were made: steps, samples, hours, figures, configuration."""
    rows = read_log(run)
    timed = [row for row in rows if 'seconds_per_step' in row]
    step = read_progress(run / which).step
    seconds = sum(
        row['seconds_per_step'] * config.log_every for row in timed if row['step'] <= step
    )
    processes = _processes(run / 'environment.json')
    held_out = [row for row in rows if row['step'] <= step and 'seconds_per_step' not in row]
    return {
        'steps': step,
        'samples': step * config.batch * config.accumulate * processes,
        'hours': round(seconds / 3600.0, 2),
        'seed': config.seed,
        'validation': held_out[-1] if held_out else {},
        **notes,
        'config': without_places(asdict(config)),
    }


def _processes(environment: Path) -> int:
    """Return how many processes trained together; runs of earlier versions do not say it."""
    found = read_json(environment, 'train again') if environment.is_file() else {}
    return int(found.get('processes', 1))


PLACES = (
    'output',
    'init_from',
    'bundle',
    'path',
    'source',
    'weights',
    'prior',
    'teacher',
    'split',
)
"""Keys that name folders or files, or, such as ``NAME:WEIGHTS``, end in them."""


def without_places(tree: Any) -> Any:
    """Keep the names of folders, not their places on the machine of the training."""
    if not isinstance(tree, dict):
        return tree
    return {
        key: _name(value) if key in PLACES and isinstance(value, str) else without_places(value)
        for key, value in tree.items()
    }


def _name(place: str) -> str:
    kind, colon, path = place.partition(':')
    return f'{kind}:{Path(path).name}' if colon and '/' not in kind else Path(place).name


def compare(state: dict[str, torch.Tensor], folder: Path) -> None:
    """
    Read the bundle's weights back and compare them with what was trained.

    :param state: ``NETWORK.PARAMETER`` to value; networks of the bundle that it does not name
        were frozen
    :raises WeightsError: where a tensor differs by more than fp16 rounding
    """
    kind = json.loads((folder / 'bundle.json').read_text())['kind']
    bundle = open_bundle(folder, kind)
    trained = {key.partition('.')[0] for key in state}
    for file in (name for name in bundle.manifest['sha256'] if name.endswith('.safetensors')):
        network = file.partition('/')[0]
        if network not in trained:
            continue
        for name, stored in bundle.tensors(file).items():
            true = state[f'{network}.{name}']
            gap = (stored.float() - true).abs() / true.abs().clamp_min(1e-4)
            if float(gap.max()) > LARGEST_REL:
                raise WeightsError(
                    f'{folder / file}: {name} differs by {float(gap.max()):.2g} '
                    'from the trained weights'
                )
