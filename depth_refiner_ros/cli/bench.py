# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner bench``: where the time of a frame goes, and how short it could be."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import choice, is_given, JsonFile, plots_writable, settings_flags
from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.settings.networks import ModelSettings
import typer

WITHOUT_EFFECT = {
    'bounds': ('prior_sweep', 'full_size', 'graph', 'codec', 'steps', 'frames', 'warm_up'),
    'prior_sweep': ('full_size', 'graph', 'codec', 'prior_size', 'steps'),
    'full_size': ('graph',),
}
"""Flags that mean nothing beside another one."""
GRAPH_SIZE = 640, 480
"""Columns and rows of the simulated camera that the nodes get."""
FULL_SIZE_ALONE = ('codec', 'prior_size', 'steps', 'warm_up')


@settings_flags('model', ModelSettings)
def bench(
    context: typer.Context,
    model: ModelSettings,
    width: Annotated[int, typer.Option(min=32, max=8192, help='Image columns [px].')] = 640,
    height: Annotated[int, typer.Option(min=32, max=8192, help='Image rows [px].')] = 480,
    frames: Annotated[int, typer.Option(min=1, help='Frames to time.')] = 30,
    warm_up: Annotated[
        int, typer.Option(min=0, help='Untimed warm-up frames, for --full-size and --prior-sweep.')
    ] = 3,
    graph: Annotated[
        bool,
        typer.Option(
            '--graph',
            help='Also time the refiner node over DDS, from image stamp to published depth.',
        ),
    ] = False,
    full_size: Annotated[
        str | None,
        choice(
            'apdepth',
            'sharpdepth',
            text='Time this method at the size of Stable Diffusion 2 instead, with random '
            "weights, next to diffusers' one-step pipeline. sharpdepth works at a longest edge "
            'of 768 px as published, apdepth at the size of the image; --max-edge-px overrides '
            'both.',
            show_default=False,
        ),
    ] = None,
    codec: Annotated[
        str,
        choice(
            'vae',
            'tiny',
            text="Autoencoder for --full-size: Stable Diffusion's (vae) or a small one (tiny).",
        ),
    ] = 'vae',
    prior_size: Annotated[
        str,
        choice('S', 'B', 'L', 'G', text='Size of Depth Anything V2, the prior of --full-size.'),
    ] = 'L',
    steps: Annotated[
        str,
        typer.Option(
            help="Numbers of UNet evaluations to time diffusers' pipeline with, such as "
            '1,4,10,50; 0 skips it.'
        ),
    ] = '1',
    prior_sweep: Annotated[
        str,
        typer.Option(
            metavar='SIZES',
            show_default=False,
            help='Time these sizes of Depth Anything V2 at four resolutions instead: S,B,L,G.',
        ),
    ] = '',
    bounds: Annotated[
        bool,
        typer.Option(
            '--bounds',
            help='Time nothing; print the shortest time that arithmetic and memory allow on '
            'every known device.',
        ),
    ] = False,
    against: Annotated[
        str,
        typer.Option(
            metavar='DEVICE',
            show_default=False,
            help='Compare with this device instead of the detected one: h100, rtx4090, '
            'agx-orin, ...',
        ),
    ] = '',
    plots: Annotated[
        Path | None,
        typer.Option(callback=plots_writable, help='Also write PNG plots to this folder.'),
    ] = None,
    json: JsonFile = None,
) -> None:
    """
    Time each stage from image to point cloud.

    Each time is shown next to the shortest that the hardware allows. Times are valid only on an
    idle machine: bench warns if other processes use its cores.
    """
    from depth_refiner_ros.bench import run as bench_run
    from depth_refiner_ros.bench.networks import FrameSize
    from depth_refiner_ros.bench.true_size import FullSize

    _check_effect(context)
    if graph and (width, height) != GRAPH_SIZE:
        raise SettingsError(
            '--graph times the nodes at 640x480 alone; leave out --width and --height'
        )
    size, output = FrameSize(width=width, height=height), bench_run.Output(json=json, plots=plots)
    if bounds:
        bench_run.run_bounds(
            size, output, prior=prior_size, against=against, max_edge_px=model.max_edge_px
        )
    elif prior_sweep:
        bench_run.run_priors(
            model,
            size,
            output,
            sizes=tuple(prior_sweep.split(',')),
            frames=frames,
            warm_up=warm_up,
            against=against,
        )
    elif full_size:
        wanted = FullSize(
            method=full_size,
            codec=codec,
            prior=prior_size,
            size=size,
            max_edge_px=model.max_edge_px,
            frames=frames,
            warm_up=warm_up,
            steps=bench_run.steps_of(steps),
        )
        bench_run.run_full(wanted, model, output, against=against)
    else:
        bench_run.run_configured(model, size, output, frames=frames, graph=graph, against=against)


def _check_effect(context: typer.Context) -> None:
    """
    Refuse flags that would be ignored.

    :raises SettingsError: naming the first, and why
    """
    for mode, unused in WITHOUT_EFFECT.items():
        if is_given(context, mode):
            for name in unused:
                _refuse(context, name, f'with {_flag(mode)}')
    if not any(is_given(context, mode) for mode in ('bounds', 'prior_sweep', 'full_size')):
        for name in FULL_SIZE_ALONE:
            _refuse(context, name, 'without --full-size')


def _refuse(context: typer.Context, name: str, why: str) -> None:
    if is_given(context, name):
        raise SettingsError(f'{_flag(name)} has no effect {why}; leave it out')


def _flag(name: str) -> str:
    return f'--{name}'.replace('_', '-')
