# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner views``: how new views of a map look, from prior and refined depth."""

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
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.settings.splats import SplatSettings
import typer


@settings_flags('model', ModelSettings)
@settings_flags('splats', SplatSettings, prefix='splats.')
@settings_flags('recording', RecordingSettings)
def views(
    context: typer.Context,
    source: SourceLocation,
    model: ModelSettings,
    splats: SplatSettings,
    recording: RecordingSettings,
    out: Output = Path('views'),
    frames: Annotated[int, typer.Option(min=0, help='At most this many frames; 0 takes all.')] = 0,
    every: Annotated[int, typer.Option(min=1, help='Take every n-th frame.')] = 1,
    json: JsonFile = None,
    strict: Strict = False,
) -> None:
    """Map a recording with poses as Gaussian splats, and compare views that were held back."""
    from depth_refiner_ros.apps.views import run

    run(
        source,
        model,
        splats,
        recording,
        out,
        frames=frames,
        every=every,
        prior_given=is_given(context, 'prior'),
        json=json,
        strict=strict,
    )
