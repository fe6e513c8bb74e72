# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Refine known depth that is degraded in several ways, and compare both with it.

``python scripts/degradations.py frames.json --json docs/benchmarks/real_degradations.json`` writes
the figures of ``depth-refiner eval --prior smeared --smear-kind KIND`` for every KIND, and of the
known depth itself as the prior (``none``), with one refiner and every image read once. The file
is written after each image, and says how many it is about.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
import sys
from typing import Annotated

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.apps.console import note, tracked, write_json
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.apps.scoring import Comparison, frame_errors
from depth_refiner_ros.apps.spread import count_taken, taken
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.refiner.smear import Smear, through_sensor
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.labelled import labelled
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
import numpy as np
from training.program import ended
import typer

KINDS = (
    'smeared',
    'overshoot',
    'median',
    'bilateral',
    'disparity',
    'regions',
    'registered',
    'quantised',
    'kinect',
)

Source = Annotated[str, typer.Argument(help='Images with measured depth, as eval reads them.')]
Result = Annotated[Path, typer.Option('--json', help='File of the figures.')]
Refiner = Annotated[str, typer.Option(help='As of eval.')]
Weights = Annotated[str, typer.Option(help='As of eval.')]
Frames = Annotated[int, typer.Option(help='At most this many images; 0 takes all.')]
Every = Annotated[int, typer.Option(help='Take every n-th image.')]
Precision = Annotated[str, typer.Option(help='As of eval.')]


def main(
    source: Source,
    result: Result,
    refiner: Refiner = 'apdepth',
    refiner_weights: Weights = 'bundled',
    frames: Frames = 0,
    every: Every = 1,
    precision: Precision = 'auto',
) -> None:
    """Compare every kind on every image, and write the figures."""
    model = ModelSettings(
        prior='smeared', refiner=refiner, refiner_weights=refiner_weights, precision=precision
    )
    network = DepthRefiner.from_settings(through_sensor(model))
    for line in network.describe():
        note(line)
    comparisons = {kind: Comparison() for kind in ('none', *KINDS)}
    for number, (frame, true_m_HW) in enumerate(known(source, every, frames)):
        for kind, comparison in comparisons.items():
            given = frame
            if kind != 'none':
                spoilt = Smear(SmearSettings(kind=kind), model)
                given = replace(frame, depth_m_HW=spoilt(frame.rgb_HW3, true_m_HW, number))
            depths = infer(network, model, given)
            comparison.add(frame_errors(depths.prior_m_HW, depths.refined_m_HW, true_m_HW))
        write_json(result, {kind: found.result() for kind, found in comparisons.items()})


def known(source: str, every: int, limit: int) -> Iterator[tuple[Frame, np.ndarray]]:
    """Return the images of a source that have depth, and that depth, ``depth_m_HW``."""
    images = open_source(source, poses=False, log=note)
    picked = taken(labelled(images), every=every, limit=limit)
    for item in tracked(picked, images.name, count_taken(len(images), every=every, limit=limit)):
        if isinstance(item, LostFrame):
            note(f'left out: {item.name}')
        elif item.frame.depth_m_HW is not None:
            yield item.frame, item.frame.depth_m_HW


if __name__ == '__main__':
    sys.exit(ended(lambda: typer.run(main)))
