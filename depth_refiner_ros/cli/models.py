"""``depth-refiner models``: the weight bundles that are here."""

from pathlib import Path
from typing import Annotated

from depth_refiner_ros.cli.flags import JsonFile
import typer


def models(
    folders: Annotated[list[Path] | None, typer.Argument(
        metavar='[FOLDER]...', show_default=False,
        help='Bundles, or folders of bundles, to list beside the bundled ones.')] = None,
    json: JsonFile = None,
) -> None:
    """List weight bundles: what for, licence, size, whether they are whole."""
    from depth_refiner_ros.cli.models_run import run
    run(folders or [], json)
