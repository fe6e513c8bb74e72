# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner eval``: prior and refined depth against ground truth."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, settings_flags, Strict, WITHOUT_POSES, writable
from depth_refiner_ros.settings.networks import ModelSettings, SmearSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import typer


@settings_flags('model', ModelSettings)
@settings_flags('smear', SmearSettings, prefix='smear.')
@settings_flags('recording', RecordingSettings, defaults=WITHOUT_POSES)
def evaluate(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar='SOURCE...',
            show_default=False,
            help='Sources with ground truth: frames.json (a list of single frames), a TUM RGB-D '
            'folder, a bag with depth, sim:SEED[:FRAMES[:PEOPLE]], rooms:SEED:ROOMS.',
        ),
    ],
    model: ModelSettings,
    smear: SmearSettings,
    recording: RecordingSettings,
    frames: Annotated[
        int, typer.Option(min=0, help='At most this many frames of each source; 0 takes all.')
    ] = 0,
    every: Annotated[int, typer.Option(min=1, help='Take every n-th frame.')] = 1,
    min_depth_m: Annotated[
        float, typer.Option(min=0.0, help='Ground truth nearer than this does not count [m].')
    ] = 0.001,
    max_depth_m: Annotated[
        float,
        typer.Option(
            min=0.0, help='Ground truth farther than this does not count; 0 is no limit [m].'
        ),
    ] = 0.0,
    json: JsonFile = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            '--csv', dir_okay=False, callback=writable, help='Write the errors of each frame here.'
        ),
    ] = None,
    panels: Annotated[Path | None, typer.Option(help='Draw every frame into this folder.')] = None,
    strict: Strict = False,
) -> None:
    """Measure prior and refined depth against ground truth, per source and overall."""
    from depth_refiner_ros.apps.evaluate import run

    run(
        source,
        model,
        smear,
        recording,
        frames=frames,
        every=every,
        range_m=(min_depth_m, max_depth_m),
        json=json,
        csv=csv,
        panels=panels,
        strict=strict,
    )
