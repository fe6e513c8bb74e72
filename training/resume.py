# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a run that goes on must share with its beginning, and what of it is said."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown
from omegaconf import OmegaConf
import torch
from training.checkpoint import Progress
from training.config import RunConfig
from training.config_file import one_line_errors

FREE = (
    *('steps', 'output', 'bundle', 'threads', 'workers', 'pictures', 'exit_after_min'),
    *('log_every', 'save_every', 'validate_every', 'validation_samples'),
)
"""Keys that change nothing about the updates that were made."""


def check_goes_on(progress: Progress, accelerator: Accelerator, config: RunConfig) -> None:
    """
    Raise where a run cannot go on from where it is.

    :raises SettingsError: see :func:`check_processes`, and where it is beyond its last step
    """
    check_processes(progress, accelerator, config.output)
    if progress.step > config.steps:
        raise SettingsError(
            f'steps = {config.steps} is below step {progress.step}, which the run in '
            f'{config.output} has reached; raise steps or name another output'
        )


def check_processes(progress: Progress, accelerator: Accelerator, output: str) -> None:
    """
    Raise where the processes are not those that the run began with.

    :raises SettingsError: for another number of them, since each draws its own batches, and where
        they do not see the same checkpoint
    """
    count = accelerator.num_processes
    steps = torch.tensor([progress.step], device=accelerator.device)
    seen = sorted(set(accelerator.gather(steps).flatten().tolist()))
    if len(seen) > 1:
        raise SettingsError(
            f'processes find {output} at steps {", ".join(map(str, seen))}; name an output that '
            'all machines see'
        )
    if progress.step and progress.processes not in (0, count):
        raise SettingsError(
            f'{output} was trained by {progress.processes} processes, and each draws its own '
            f'batches; go on with so many instead of {count}, or start another output with '
            f'init_from={output}/checkpoint'
        )


def changes(file: Path, config: RunConfig) -> list[str]:
    """
    Return the keys that a run has changed since it was stopped, with both values.

    :param file: ``config.yaml`` of its folder; there is none before its first start
    :raises SettingsError: where the file cannot be read
    """
    if not file.is_file():
        return []
    with one_line_errors(file):
        before = dict(_flat(OmegaConf.to_container(OmegaConf.load(file))))
    now = dict(_flat(OmegaConf.to_container(OmegaConf.structured(config))))
    return [
        f'{key} {shown(before.get(key))} to {shown(now.get(key))}'
        for key in sorted(before.keys() | now.keys())
        if key not in FREE and before.get(key) != now.get(key)
    ]


def _flat(tree: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        yield path, tree
        return
    for key, value in tree.items():
        yield from _flat(value, f'{path}.{key}' if path else str(key))
