# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Store a prior's predictions for a set of images.

``python -m training.tools.predict_prior SET [WEIGHTS] --reader NAME``: a refiner can only learn
to correct the errors of a prior that it sees. Predictions are stored small, because training
upsamples them anyway: 256 pixels on the longer side for the bundled prior, as its network
computes, else 518.

Those of rendered rooms lie beside them, as ``prior_NNNNN.npy``. Those of other sets lie in a
folder ``SET_prior``, or ``--out``, with one float16 file for each image, by the image's name; name
this folder as ``prior`` of the set in a configuration. The same command continues an interrupted
run; that of rooms begins anew.
"""

from dataclasses import replace
import os
from pathlib import Path
import sys
from typing import Annotated

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.backends.execution import choose, Execution
from depth_refiner_ros.core.atomic import staged_file
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError, SourceError
from depth_refiner_ros.core.images import image_batch, unit_image
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.models.bundle import bundle_folder, is_bundle, MANIFEST, sha256
from depth_refiner_ros.priors.base import Prior
from depth_refiner_ros.priors.registry import build_prior
from depth_refiner_ros.sources.lost_frames import FrameError, LostFrame, LostFrames
import numpy as np
from rich.progress import track
from torch.nn import functional
from training.config import SourceConfig
from training.data.priors import as_metres
from training.data.registry import open_samples, reader_of
from training.data.rooms import RenderedRooms, shard_names
from training.data.sample import Sample, SampleSet
from training.data.stored_priors import file_of, store, write_record
from training.program import ended
import typer

LONG_SIDE, BUNDLED_LONG_SIDE = 518, 256
FARTHEST = float(np.finfo(np.float16).max)
"""What is farther, such as a sky of disparity 0, would be infinite as float16, and unknown."""


class Predictor:
    """
    Predicts small depth maps.

    :param prior: key of the priors of the package
    :param weights: ``bundled``, a size, a folder or a hub id
    :param long_side: of what is stored, in pixels; 0 takes that of the module's text
    :param assumed_fov_deg: of images whose camera is unknown; 0 refuses them, where the prior
        needs a camera
    """

    def __init__(
        self, prior: str, weights: str, *, long_side: int = 0, assumed_fov_deg: float = 0.0
    ) -> None:
        self._execution: Execution = choose()
        self._prior: Prior = build_prior(prior, weights, device=self._execution.device)
        self._fov_deg = assumed_fov_deg
        self.long_side = long_side or (BUNDLED_LONG_SIDE if prior == 'bundled' else LONG_SIDE)

    def __call__(self, sample: Sample) -> np.ndarray:
        """
        Return a prediction, float16; see :func:`~training.data.priors.as_metres`.

        :raises InputError: where the prior needs a camera and there is none
        """
        height, width = sample.rgb_HW3.shape[:2]
        camera = sample.intrinsics
        if camera is None and self._fov_deg:
            camera = Intrinsics.from_fov(width, height, self._fov_deg)
        scale = self.long_side / max(height, width)
        size = max(1, round(height * scale)), max(1, round(width * scale))
        rgb = unit_image(image_batch(np.array(sample.rgb_HW3)).to(self._execution.device))
        with self._execution.running():
            found = self._prior.predict(rgb, camera)
            depth = functional.interpolate(found.depth_B1HW.float(), size=size, mode='bilinear')
            small = as_metres(replace(found, depth_B1HW=depth))
        return small[0, 0].cpu().numpy().clip(max=FARTHEST).astype(np.float16)


def predict_rooms(folder: Path, predict: Predictor) -> None:
    """Write ``prior_NNNNN.npy`` float16 (n, h, w), metres, for every shard of rendered rooms."""
    with locked_folder(folder):
        rooms = RenderedRooms(folder, priors=False)  # what is there may be of other views
        index = 0
        for name in track(shard_names(folder), description='predicting'):
            count = len(np.load(folder / f'seed_{name}.npy', mmap_mode='r'))
            maps = [predict(rooms[index + row]) for row in range(count)]
            index += count
            with staged_file(folder / f'prior_{name}.npy') as part, part.open('wb') as file:
                np.save(file, np.stack(maps))


def _digest(weights: str) -> str:
    """Return a word that changes when a bundle is exported again to its folder."""
    return sha256(bundle_folder(weights, 'prior') / MANIFEST) if is_bundle(weights) else ''


def predict_set(samples: SampleSet, out: Path, predict: Predictor) -> None:
    """
    Write the predictions that are missing in a folder; images that cannot be read are told.

    :raises SourceError: for two images of one name, which would share a prediction
    """
    lost, seen = LostFrames(note), set[str]()
    for index in track(range(len(samples)), description='predicting'):
        try:
            sample = samples[index]
        except FrameError as error:
            lost.add(LostFrame(name=str(index), reason=error.reason, detail=str(error)))
            continue
        if sample.name in seen:
            raise SourceError(
                f'two images are called {shown(sample.name)}, so one would get the prediction of '
                'the other; name or pack them again'
            )
        seen.add(sample.name)
        if file_of(out, sample.name).exists():
            continue
        try:
            store(out, sample.name, predict(sample))
        except InputError as error:
            raise InputError(
                f'{sample.name}: {error}; --assume-fov-deg 60 assumes one for such images'
            ) from error
    if len(lost):
        note(f'{len(lost)} images have no prediction: {lost.counts()}')


def main(
    set_: Annotated[str, typer.Argument(metavar='SET', help='Folder of the set.')],
    weights: Annotated[str, typer.Argument(help="The prior's weights.")] = 'bundled',
    reader: Annotated[str, typer.Option(help='Name of docs/data.md.')] = '',
    split: Annotated[str, typer.Option(help='Part of the set, or a list file.')] = '',
    prior: Annotated[str, typer.Option(help='As in --prior of depth-refiner.')] = 'bundled',
    out: Annotated[str, typer.Option(help='Folder of the predictions.')] = '',
    long_side: Annotated[int, typer.Option(min=0, help='Of what is stored.')] = 0,
    assume_fov_deg: Annotated[float, typer.Option(help='Where no camera is known.')] = 0.0,
) -> None:
    """Store a prior's predictions for a set of images."""
    folder = Path(set_).expanduser()
    predict = Predictor(prior, weights, long_side=long_side, assumed_fov_deg=assume_fov_deg)
    if reader in ('', 'rooms') and folder.is_dir() and shard_names(folder):
        if out:
            raise SettingsError(f'out = {out} has no effect on rooms; leave it out')
        predict_rooms(folder, predict)
        return
    source = SourceConfig(path=set_, reader=reader, split=split)
    samples = open_samples(source)
    here = Path(os.path.abspath(folder))  # '.' has no name
    target = Path(out).expanduser() if out else here.with_name(f'{here.name}_prior')
    with locked_folder(target):
        record = {
            'set': str(folder.resolve()),
            'reader': reader_of(source),
            'prior': prior,
            'weights': weights,
            'bundle': _digest(weights) if prior == 'bundled' else '',
            'long_side': predict.long_side,
            'assumed_fov_deg': assume_fov_deg,
        }
        write_record(target, record)
        predict_set(samples, target, predict)


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
