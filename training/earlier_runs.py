# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs that start from the result of another run: say which one where it is not there."""

from pathlib import Path

from depth_refiner_ros.core.errors import SettingsError
from training.config import RunConfig

CONFIGS = Path(__file__).parent / 'configs'
BY_TOOLS = {
    to: f'python -m training.tools.narrow {begun} {to} {channels}'
    for to, begun, channels in (
        ('bundles/apdepth_narrowed', 'bundles/apdepth_small_own', '40,56,96,128'),
        ('bundles/apdepth_two_sizes_start', 'bundles/apdepth_narrow', '40,56'),
        ('bundles/apdepth_quick_start', 'bundles/apdepth_narrow', '32,48,64,96 shallower'),
        ('bundles/apdepth_quick_two', 'bundles/apdepth_quick_taught', '32,48'),
    )
}
"""Folders that no configuration makes, and the command that does."""


def check_earlier_runs(config: RunConfig) -> None:
    """
    Raise where a run starts from a folder that another configuration makes and that is missing.

    A run is kept in ``runs/NAME`` and its bundle in ``bundles/NAME``, where NAME is that of its
    configuration. Such a folder could otherwise be taken for the id of a model on the hub.

    :raises SettingsError: naming the key, the folder and the commands that make it
    """
    model = config.model
    used = {
        'init_from': config.init_from,
        'model.weights': getattr(model, 'weights', ''),
        'model.teacher.weights': getattr(getattr(model, 'teacher', None), 'weights', ''),
        'loss.teacher': getattr(config.loss, 'teacher', ''),
    }
    for key, where in used.items():
        made_by = '' if not where or Path(where).exists() else _commands(Path(where))
        if made_by:
            raise SettingsError(f'{key} = {where} is not there; make it first: {made_by}')


def _commands(folder: Path) -> str:
    """Return the commands that make a folder, '' if nothing here does."""
    if folder.as_posix() in BY_TOOLS:
        return BY_TOOLS[folder.as_posix()]
    kind, name, *_ = (*folder.parts, '', '')
    if kind not in ('runs', 'bundles') or not (CONFIGS / f'{name}.yaml').is_file():
        return ''
    train = f'python training/run.py training/configs/{name}.yaml'
    export = f', then python -m training.tools.export runs/{name} {folder}'
    return train + export * (kind == 'bundles')
