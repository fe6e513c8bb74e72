# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner refine``: images, video or recording to depth files, panels or a bag."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import (
    is_given,
    JsonFile,
    Output,
    settings_flags,
    Strict,
    WITHOUT_POSES,
)
from depth_refiner_ros.settings.bag_copy import BagCopySettings
from depth_refiner_ros.settings.lenses import LensSettings, RectifySettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import typer

MOST_WORKERS = 1024


@settings_flags('model', ModelSettings)
@settings_flags('recording', RecordingSettings, defaults=WITHOUT_POSES)
@settings_flags('lens', LensSettings)
@settings_flags('added', BagCopySettings, skip=('points.max_rate_hz',))
def refine(
    context: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar='SOURCE...',
            show_default=False,
            help='Images, a folder of images, a video, a ROS 2 bag, a TUM RGB-D folder or '
            'sim:SEED[:FRAMES[:PEOPLE]].',
        ),
    ],
    model: ModelSettings,
    recording: RecordingSettings,
    lens: LensSettings,
    added: BagCopySettings,
    out: Output = Path('refined'),
    bag: Annotated[
        bool,
        typer.Option(
            '--bag',
            help='Write a copy of the bag with depth, camera_info and cloud of each image added; '
            'for a bag of one file, --out NAME.mcap or NAME.db3 says the same. Copies of several '
            'bags go into the folder --out.',
        ),
    ] = False,
    workers: Annotated[
        int,
        typer.Option(
            min=0,
            max=MOST_WORKERS,
            help='Processes that refine the frames of a bag, each with its own networks and '
            '--threads (1 unless given); 0 refines in the process that reads and writes.',
        ),
    ] = 0,
    ray: Annotated[
        str,
        typer.Option(
            metavar='ADDRESS',
            show_default=False,
            help='Copy bags on the machines of a Ray cluster, each as a task of its own: '
            'HOST:PORT, auto for one that runs here, local to start one on this machine.',
        ),
    ] = '',
    frames: Annotated[
        int, typer.Option(min=0, help='At most this many frames of each source; 0 takes all.')
    ] = 0,
    panels: Annotated[
        int, typer.Option(min=0, help='Frames of each source to draw, evenly spread.')
    ] = 8,
    npy: Annotated[bool, typer.Option(help='Also write float32 metres as NPY.')] = True,
    ply: Annotated[
        bool, typer.Option('--ply', help='Also write the points as PLY, in the optical frame.')
    ] = False,
    json: JsonFile = None,
    strict: Strict = False,
) -> None:
    """Turn pictures into metric depth: PNG in millimetres, NPY in metres, panels; or a bag."""
    from depth_refiner_ros.apps import bag_place

    if bag_place.is_wanted(out, as_bag=bag):
        from depth_refiner_ros.apps import refine_bags

        places = bag_place.copies_of(
            source, out, _given(context, 'panels', 'npy', 'ply', 'camera_file')
        )
        if not is_given(context, 'assume_fov_deg'):  # a guess must not become a recorded camera
            recording = replace(recording, assume_fov_deg=0.0)
        refine_bags.run(
            [refine_bags.BagJob(bag, copy) for bag, copy in places.items()],
            refine_bags.CopyOptions(
                model=model,
                recording=recording,
                bag=added,
                lens=RectifySettings(rectify=lens.rectify),
                frames=frames,
            ),
            workers=workers,
            ray=ray,
            json=json,
            strict=strict,
        )
        return
    from depth_refiner_ros.apps.refine import run

    bag_place.check_unset(added, _given(context, 'workers', 'ray'))
    run(
        source,
        model,
        recording,
        lens,
        out,
        frames=frames,
        panels=panels,
        npy=npy,
        ply=ply,
        prior_given=is_given(context, 'prior'),
        json=json,
        strict=strict,
    )


def _given(context: typer.Context, *names: str) -> list[str]:
    """Return those of some flags that the user gave."""
    return [f'--{name}'.replace('_', '-') for name in names if is_given(context, name)]
