# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Keep the files of a run apart from those of its sources."""

from collections.abc import Iterable
from pathlib import Path

from depth_refiner_ros.core.atomic import output_errors
from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.core.run_folder import listed_files


def check_apart(out: Path, locations: Iterable[str]) -> None:
    """
    Refuse an output folder that would mix results with the files of a source.

    A later run would take pictures among the images of a source as its images. A new or empty
    folder inside a source, or one that holds an earlier run, is no source's: sources do not look
    into folders of their own accord.

    :param locations: sources of the run; those that are no folder hold nothing
    :raises OutputError: with another place
    """
    target = out.resolve()
    for location in locations:
        folder = _folder(location)
        if folder is None:
            continue
        if target == folder:
            raise OutputError(
                f'the output folder {out} is the source {location}; choose another, such as '
                f'{Path(location) / "refined"}'
            )
        if target.is_relative_to(folder) and _holds_foreign_files(target):
            raise OutputError(
                f'the output folder {out} holds files of the source {location}; choose another, '
                f'such as {Path(location) / "refined"}'
            )


def _folder(location: str) -> Path | None:
    try:
        path = user_path(location)
        return path.resolve() if location and path.is_dir() else None
    except (ValueError, RuntimeError, OSError):  # not a file name, as the source will say
        return None


def _holds_foreign_files(folder: Path) -> bool:
    """Whether a folder holds anything that is not listed by the run that it holds."""
    if not folder.is_dir():
        return False
    ours = {name.partition('/')[0] for name in listed_files(folder)}
    with output_errors(folder):
        names = [path.name for path in folder.iterdir() if not path.name.startswith('.')]
    return any(name not in ours for name in names)
