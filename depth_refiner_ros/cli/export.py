# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""``depth-refiner export``: build ONNX files and engines ahead of time."""

from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile, settings_flags
from depth_refiner_ros.settings.networks import ModelSettings
import typer


@settings_flags('model', ModelSettings, skip=('build_only',), defaults={'backend': 'onnx'})
def export(
    model: ModelSettings,
    width: Annotated[int, typer.Option(min=16, help='Image width [px].')] = 640,
    height: Annotated[int, typer.Option(min=16, help='Image height [px].')] = 480,
    json: JsonFile = None,
) -> None:
    """
    Build ONNX files or TensorRT engines ahead of time.

    They are for one image size; --backend chooses which.
    """
    from depth_refiner_ros.apps.export import run

    run(model, width, height, json)
