# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner fuse``: a sequence to a mesh, without ROS."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import (
    is_given,
    JsonFile,
    Output,
    settings_flags,
    SourceLocation,
    Strict,
)
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.settings.recordings import RecordingSettings
import typer


@settings_flags('model', ModelSettings)
@settings_flags('tsdf', TsdfSettings, prefix='tsdf.')
@settings_flags('recording', RecordingSettings)
@settings_flags('tracking', OdometrySettings)
def fuse(
    context: typer.Context,
    source: SourceLocation,
    model: ModelSettings,
    tsdf: TsdfSettings,
    recording: RecordingSettings,
    tracking: OdometrySettings,
    out: Output = Path('fused'),
    frames: Annotated[int, typer.Option(min=0, help='At most this many frames; 0 takes all.')] = 0,
    every: Annotated[int, typer.Option(min=1, help='Take every n-th frame.')] = 1,
    odometry: Annotated[
        bool, typer.Option('--odometry', help='Track the camera even where the source has poses.')
    ] = False,
    volume: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help='Keep the volume in this file (.safetensors), and go on with it if it exists.',
        ),
    ] = None,
    scene: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help='Also record cameras, depth and mesh here, as .rrd for the 3D viewer rerun.',
        ),
    ] = None,
    json: JsonFile = None,
    strict: Strict = False,
) -> None:
    """Refine a sequence and fuse it into a colored mesh, with a report."""
    from depth_refiner_ros.apps.fuse import run

    run(
        source,
        model,
        tsdf,
        recording,
        out,
        frames=frames,
        every=every,
        odometry=tracking,
        always_track=odometry,
        volume=volume,
        scene=scene,
        prior_given=is_given(context, 'prior'),
        json=json,
        strict=strict,
    )
