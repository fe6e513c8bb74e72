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

import torch
from training.config_file import load_config
from training.loop import train
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
    figures = train(config, build_objective(config))
    print('  '.join(f'{name} {value:.4f}' for name, value in figures.items()))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
