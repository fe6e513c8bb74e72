"""
Train: ``python training/run.py CONFIG.yaml [key=value ...]``.

For several GPUs or machines: ``accelerate launch training/run.py CONFIG.yaml``. A run that was
stopped goes on from its checkpoint with the same command.
"""

from pathlib import Path
import sys

if __name__ == '__main__':  # run from a checkout: the packages lie beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.core.errors import DepthRefinerError
import torch
from training.config import load_config
from training.loop import train
from training.objectives import build_objective


def main(arguments: list[str]) -> int:
    """Train as the configuration says; give the exit code."""
    if not arguments or arguments[0] in ('-h', '--help'):
        print(__doc__)
        return 0 if arguments else 2
    try:
        config = load_config(Path(arguments[0]), arguments[1:])
        if config.threads:
            torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        figures = train(config, build_objective(config))
    except DepthRefinerError as error:
        print(error, file=sys.stderr)
        return 2
    print('  '.join(f'{name} {value:.4f}' for name, value in figures.items()))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
