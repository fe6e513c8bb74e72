# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Store a prior's predictions beside rendered rooms.

``python -m training.tools.predict_prior ROOMS [BUNDLE]``: a refiner can only learn to correct the
errors of a prior that it sees. They are stored at the network's output size, because training
upsamples them anyway.
"""

from pathlib import Path
import sys

from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.core.images import image_batch, unit_image
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.models.bundle import open_bundle
from depth_refiner_ros.priors.bundled import BundledPrior
import numpy as np
from rich.progress import track
from torch.nn import functional
from training.data.rooms import RenderedRooms, shard_names
from training.program import ended

SIZE = (96, 128)


def predict(folder: Path, weights: str = 'bundled') -> None:
    """
    Write ``prior_NNNNN.npy`` float16 (n, 96, 128), metres, for every shard.

    :param weights: ``bundled`` or a prior bundle's folder
    """
    prior, execution = BundledPrior(open_bundle(weights, 'prior')), choose()
    rooms = RenderedRooms(folder)
    index = 0
    with locked_folder(folder):
        for name in track(shard_names(folder), description='predicting'):
            count = len(np.load(folder / f'seed_{name}.npy', mmap_mode='r'))
            maps = [_predict_view(prior, execution, rooms, index + row) for row in range(count)]
            index += count
            with staged_file(folder / f'prior_{name}.npy') as part, part.open('wb') as file:
                np.save(file, np.stack(maps))


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
    """Predict for the folder named; return the exit code."""
    if not arguments or arguments[0] in ('-h', '--help'):
        print(__doc__)
        return 0 if arguments else 2
    return ended(lambda: predict(Path(arguments[0]), *arguments[1:2]))


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
