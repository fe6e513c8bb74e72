"""``depth-refiner export``: build what backends load, ahead of time."""

from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, settings_flags
from depth_refiner_ros.settings.networks import ModelSettings
import typer


@settings_flags('model', ModelSettings, skip=('build_only',), defaults={'backend': 'onnx'})
def export(
    model: ModelSettings,
    width: Annotated[int, typer.Option(min=16, help='Columns of the images to come [px].')] = 640,
    height: Annotated[int, typer.Option(min=16, help='Rows of the images to come [px].')] = 480,
    json: JsonFile = None,
) -> None:
    """Write ONNX files (backend onnx) or TensorRT engines for images of one size."""
    from depth_refiner_ros.apps.export import run

    run(model, width, height, json)
