# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner refine``: images, video or recording to depth files and panels."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, Output, settings_flags, Strict, WITHOUT_POSES
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import typer


@settings_flags('model', ModelSettings)
@settings_flags('recording', RecordingSettings, defaults=WITHOUT_POSES)
def refine(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar='SOURCE...',
            show_default=False,
            help='Images, a folder of images, a video, a ROS 2 bag, a TUM RGB-D folder or '
            'sim:SEED[:FRAMES].',
        ),
    ],
    model: ModelSettings,
    recording: RecordingSettings,
    out: Output = Path('refined'),
    frames: Annotated[
        int, typer.Option(min=0, help='At most this many frames of each source; 0 takes all.')
    ] = 0,
    panels: Annotated[
        int, typer.Option(min=0, help='Frames of each source to draw, evenly spread.')
    ] = 8,
    npy: Annotated[bool, typer.Option(help='Also write float32 metres as NPY.')] = True,
    json: JsonFile = None,
    strict: Strict = False,
) -> None:
    """Turn pictures into metric depth: 16-bit PNG in millimetres, NPY in metres, panels."""
    from depth_refiner_ros.apps.refine import run

    run(
        source,
        model,
        recording,
        out,
        frames=frames,
        panels=panels,
        npy=npy,
        json=json,
        strict=strict,
    )
