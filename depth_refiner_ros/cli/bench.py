"""``depth-refiner bench``: where the time of a frame goes."""

from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, settings_flags
from depth_refiner_ros.settings import ModelSettings
import typer


@settings_flags('model', ModelSettings)
def bench(
    model: ModelSettings,
    width: Annotated[int, typer.Option(min=32, max=8192, help='Image columns [px].')] = 640,
    height: Annotated[int, typer.Option(min=32, max=8192, help='Image rows [px].')] = 480,
    frames: Annotated[int, typer.Option(min=3, help='Frames to time, after warm-up.')] = 30,
    graph: Annotated[bool, typer.Option('--graph', help='Also time the refiner node over DDS, '
                                        'with conversions and publishing.')] = False,
    json: JsonFile = None,
) -> None:
    """Time each stage from image to cloud and compare with the budget."""
    from depth_refiner_ros.cli.bench_run import run
    run(model, width=width, height=height, frames=frames, graph=graph, json=json)
