"""``depth-refiner bench``: where the time of a frame goes, and how short it could be."""

from pathlib import Path
from typing import Annotated, Literal

from depth_refiner_ros.cli.flags import JsonFile, settings_flags
from depth_refiner_ros.settings.networks import ModelSettings
import typer


@settings_flags('model', ModelSettings)
def bench(
    model: ModelSettings,
    width: Annotated[int, typer.Option(min=32, max=8192, help='Image columns [px].')] = 640,
    height: Annotated[int, typer.Option(min=32, max=8192, help='Image rows [px].')] = 480,
    frames: Annotated[int, typer.Option(min=1, help='Frames to time, after warm-up.')] = 30,
    warm_up: Annotated[
        int, typer.Option(min=0, help='Frames before them (of --full-size and --prior-sweep).')
    ] = 3,
    graph: Annotated[
        bool,
        typer.Option(
            '--graph', help='Also time the refiner node over DDS, from stamp to published depth.'
        ),
    ] = False,
    full_size: Annotated[
        Literal['apdepth', 'sharpdepth'] | None,
        typer.Option(
            help='Instead time this method at the size of Stable Diffusion 2 with random weights, '
            "and diffusers' one-step pipeline beside it.",
            show_default=False,
        ),
    ] = None,
    codec: Annotated[
        Literal['vae', 'tiny'],
        typer.Option(help="Autoencoder of --full-size: Stable Diffusion's or the small one."),
    ] = 'vae',
    prior_size: Annotated[
        Literal['S', 'B', 'L', 'G'],
        typer.Option(help='Depth Anything V2 of this size is the prior of --full-size.'),
    ] = 'L',
    steps: Annotated[
        str,
        typer.Option(
            help="Time diffusers' pipeline with so many evaluations of the UNet, as 1,4,10,50; 0 "
            'leaves it out.'
        ),
    ] = '1',
    prior_sweep: Annotated[
        str,
        typer.Option(
            metavar='SIZES',
            show_default=False,
            help='Instead time Depth Anything V2 of these sizes at four resolutions, as S,B,L,G.',
        ),
    ] = '',
    bounds: Annotated[
        bool,
        typer.Option(
            '--bounds',
            help='Instead print the least time that '
            'arithmetic allows on every known device; nothing is '
            'timed.',
        ),
    ] = False,
    against: Annotated[
        str,
        typer.Option(
            metavar='DEVICE',
            show_default=False,
            help='Compare with this device instead of the one found: h100, rtx4090, agx-orin, ...',
        ),
    ] = '',
    plots: Annotated[
        Path | None, typer.Option(help='Also draw PNG plots into this folder.')
    ] = None,
    json: JsonFile = None,
) -> None:
    """Time each stage from image to cloud and compare with the budget and with the bound."""
    from depth_refiner_ros.bench import run as bench_run
    from depth_refiner_ros.bench.networks import FrameSize
    from depth_refiner_ros.bench.true_size import FullSize

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
