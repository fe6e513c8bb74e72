# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Train: ``python training/run.py CONFIG.yaml [key=value ...]``.

For several GPUs or machines: ``accelerate launch training/run.py CONFIG.yaml``. A stopped
run resumes from its checkpoint with the same command.
"""

from pathlib import Path
import sys

if __name__ == '__main__':  # from a checkout: the packages are beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from accelerate import PartialState
from depth_refiner_ros.apps.console import note
from depth_refiner_ros.models.bundle import check_replaceable, is_bundle, MANIFEST
import torch
from training.before_after import compare_held_back, markdown
from training.checkpoint import read_progress
from training.config import RunConfig
from training.config_file import load_config
from training.earlier_runs import check_earlier_runs
from training.export import export
from training.loop import LAST, train
from training.objectives.registry import build_objective
from training.program import ended


def main(arguments: list[str]) -> int:
    """Train as the configuration says; return the exit code."""
    if not arguments or arguments[0] in ('-h', '--help'):
        print(__doc__)
        return 0 if arguments else 2
    return ended(lambda: _run(Path(arguments[0]), arguments[1:]))


def _run(path: Path, overrides: list[str]) -> None:
    config = load_config(path, overrides)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    check_earlier_runs(config)
    if config.bundle:
        check_replaceable(Path(config.bundle))
    figures = train(config, build_objective(config))
    processes = PartialState()
    processes.wait_for_everyone()  # until the main process has saved
    if not processes.is_main_process:
        return
    print('  '.join(f'{name} {value:.4f}' for name, value in figures.items()))
    run = Path(config.output)
    if config.bundle and read_progress(run / LAST).step == config.steps:
        _write_bundle(config, run, Path(config.bundle))


def _write_bundle(config: RunConfig, run: Path, bundle: Path) -> None:
    """Export a finished run; compare it with its start where it has frames of its own."""
    if (bundle / MANIFEST).is_file():
        note(f'{bundle} is there already; remove it, or name another folder as bundle')
        return
    export(run, bundle, notes={})
    note(f'wrote {bundle}')
    if config.objective == 'sharpdepth' and config.data.source:
        before = config.init_from or config.model.weights
        if is_bundle(before):
            print(markdown(compare_held_back(config, before, bundle)), end='')


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
