"""
Store a prior's predictions beside rendered rooms: ``predict_prior.py ROOMS [BUNDLE]``.

A refiner that is to repair one prior's mistakes must see them; they are stored at the network's
output size, as a refiner's training only ever sees them upsampled.
"""

from pathlib import Path
import sys

if __name__ == '__main__':  # run from a checkout
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.core.images import image_batch, unit_image
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import BundledPrior
import numpy as np
from rich.progress import track
from torch.nn import functional
from training.data.rooms import RenderedRooms, shard_names

SIZE = (96, 128)


def predict(folder: Path, weights: str = 'bundled') -> None:
    """
    Write ``prior_NNNNN.npy`` float16 (n, 96, 128), metres, for every shard.

    :param weights: ``bundled`` or a prior bundle's folder
    """
    prior, execution = BundledPrior(open_bundle(weights, 'prior')), choose()
    rooms = RenderedRooms(folder)
    index = 0
    for name in track(shard_names(folder), description='predicting'):
        count = len(np.load(folder / f'seed_{name}.npy', mmap_mode='r'))
        maps = [_predict_view(prior, execution, rooms, index + row) for row in range(count)]
        index += count
        staging = folder / f'.prior_{name}.npy'
        with staging.open('wb') as file:
            np.save(file, np.stack(maps))
        staging.rename(folder / f'prior_{name}.npy')


def _predict_view(
    prior: BundledPrior, execution: Execution, rooms: RenderedRooms, index: int
) -> np.ndarray:
    view = rooms[index]
    rgb = unit_image(image_batch(np.array(view.rgb_HW3)))
    with execution.running():
        depth = prior.predict(rgb, view.intrinsics).depth_B1HW.float()
        small = functional.interpolate(depth, size=SIZE, mode='bilinear')
    return small[0, 0].numpy().astype(np.float16)


def main(arguments: list[str]) -> int:
    """Predict for the folder named; give the exit code."""
    if not arguments:
        print(__doc__)
        return 0
    try:
        predict(Path(arguments[0]), *arguments[1:2])
    except DepthRefinerError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
