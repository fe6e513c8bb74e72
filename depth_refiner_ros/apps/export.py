# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner export``."""

from dataclasses import replace
from pathlib import Path

from depth_refiner_ros.apps.console import say, write_json
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.networks import ModelSettings


def run(model: ModelSettings, width: int, height: int, json: Path | None) -> None:
    """
    Build every network of the settings for one image size, and print the names of the files.

    :raises BackendError: if the backend builds nothing ahead of time, or the build fails
    """
    refiner = DepthRefiner.from_settings(replace(model, build_only=True))
    refiner.warm_up(width, height)
    folders = [] if refiner.runners is None else refiner.runners.cache.used
    files = [
        {'path': str(file), 'mb': file.stat().st_size / 1e6}
        for folder in folders
        for file in sorted(folder.iterdir())
        if file.suffix != '.json'
    ]
    for file in files:
        say(f'{file["path"]}: {file["mb"]:.1f} MB')
    if json:
        write_json(
            json, {'width': width, 'height': height, 'backend': model.backend, 'files': files}
        )
