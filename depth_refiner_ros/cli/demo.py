"""``depth-refiner demo``: camera, refiner and fusion as ROS nodes, judged against the truth."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, Output, settings_flags
from depth_refiner_ros.settings.networks import ModelSettings
import typer

HELD_OUT_SEED = 900_009
"""A room that no training has seen."""


@settings_flags('model', ModelSettings, skip=('seed',))  # here --seed is the room's
def demo(
    model: ModelSettings,
    frames: Annotated[
        int, typer.Option(min=2, max=100_000, help='Frames of the simulated camera.')
    ] = 60,
    seed: Annotated[
        int, typer.Option(min=0, help='Seed of the room; 900000 and above were never trained on.')
    ] = HELD_OUT_SEED,
    rate: Annotated[
        float,
        typer.Option(min=0.1, max=1000.0, help='Frames per second of the simulated camera [Hz].'),
    ] = 10.0,
    live: Annotated[
        bool,
        typer.Option(
            '--live',
            help='Send frames at --rate whether or not they '
            'can be followed, instead of in lock-step.',
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option('--show', help='Watch the depth in a browser while it runs.')
    ] = False,
    out: Output = Path('demo_output'),
    json: JsonFile = None,
) -> None:
    """
    Run the whole graph on a simulated camera and write a report.

    Camera, refiner and fusion are separate processes that talk over DDS in a ROS domain of their
    own. The folder then holds report.html, panel.png, mesh.ply, trajectory.txt and summary.json.
    """
    from depth_refiner_ros.demo.run import Demo, run

    run(
        Demo(frames=frames, seed=seed, rate_hz=rate, live=live, show=show, out=out, model=model),
        json,
    )
