# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner demo``: camera, refiner and fusion as ROS nodes, compared with the truth."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, Output, settings_flags
from depth_refiner_ros.settings.networks import ModelSettings
import typer

HELD_OUT_SEED = 900_009
"""A room that was not used in training."""


@settings_flags('model', ModelSettings, skip=('seed',))  # here --seed is the room's
def demo(
    model: ModelSettings,
    frames: Annotated[
        int, typer.Option(min=2, max=100_000, help='Number of frames to simulate.')
    ] = 60,
    seed: Annotated[
        int,
        typer.Option(
            min=0,
            max=999_999_999,
            help='Seed of the room; no network was trained on rooms from 900000 on.',
        ),
    ] = HELD_OUT_SEED,
    rate: Annotated[
        float, typer.Option(min=0.1, max=1000.0, help='Frame rate of the simulated camera [Hz].')
    ] = 10.0,
    live: Annotated[
        bool,
        typer.Option(
            '--live',
            help='Send frames at --rate, even if the nodes cannot keep up, instead of in '
            'lock-step with them.',
        ),
    ] = False,
    show: Annotated[
        bool, typer.Option('--show', help='Show the depth in a browser while the demo runs.')
    ] = False,
    out: Output = Path('demo_output'),
    json: JsonFile = None,
) -> None:
    """
    Run the ROS nodes on a simulated camera and write a report.

    Camera, refiner and fusion run as separate processes in a private ROS domain. Writes
    report.html, panel.png, mesh.ply, trajectory.txt and summary.json.
    """
    from depth_refiner_ros.demo.choices import Demo
    from depth_refiner_ros.demo.run import run

    run(
        Demo(frames=frames, seed=seed, rate_hz=rate, live=live, show=show, out=out, model=model),
        json,
    )
