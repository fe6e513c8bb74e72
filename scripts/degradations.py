# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Refine known depth that is degraded in several ways, and compare both with it.

``python scripts/degradations.py frames.json --json docs/benchmarks/real_degradations.json`` runs
``depth-refiner eval`` with ``--prior smeared --smear-kind KIND`` for every KIND, and with the
known depth itself as the prior (``none``), and writes the figures of each kind of scene.
"""

import json
from pathlib import Path
import sys
import tempfile
from typing import Annotated, Any

if __name__ == '__main__':  # from a checkout: the package is beside this folder
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.apps.evaluate import run
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import typer

KINDS = (
    'none',
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


def main(
    source: Source,
    result: Result,
    refiner: Refiner = 'apdepth',
    refiner_weights: Weights = 'bundled',
    frames: Frames = 0,
) -> None:
    """Write the figures of every kind, each as soon as it is known."""
    figures: dict[str, Any] = {}
    for kind in KINDS:
        model = ModelSettings(
            prior='sensor' if kind == 'none' else 'smeared',
            refiner=refiner,
            refiner_weights=refiner_weights,
        )
        smear = SmearSettings() if kind == 'none' else SmearSettings(kind=kind)
        say(f'\n{kind}')
        figures[kind] = compared(source, model, smear, frames)
        write_json(result, figures)


def compared(
    source: str, model: ModelSettings, smear: SmearSettings, frames: int
) -> dict[str, Any]:
    """Return what ``eval`` found, over all images and for each kind of scene."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / 'result.json'
        run(
            [source],
            model,
            smear,
            RecordingSettings(assume_fov_deg=60.0, pose_topic='none'),
            frames=frames,
            every=1,
            range_m=(0.001, 0.0),
            json=written,
            csv=None,
            panels=None,
            strict=False,
        )
        found = json.loads(written.read_text())
    return {'overall': found['overall'], **found['per_scene']}


if __name__ == '__main__':
    typer.run(main)
