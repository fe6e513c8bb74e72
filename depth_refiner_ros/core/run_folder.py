# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A folder that holds the files of one run, never those of two.

The folder lists the files of its run. With its first file, a new run removes those of the run
before it; files of others stay. So a run that fails before it writes leaves an older result whole,
and one that is interrupted leaves its own files alone.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from depth_refiner_ros.core.atomic import make_folder, output_errors
from depth_refiner_ros.core.line_file import LineFile
from depth_refiner_ros.core.output_lock import locked_folder, remove_if_empty

LIST = '.depth-refiner.files'


class RunFolder:
    """
    Hands out the paths of a run's files; use :func:`run_folder`.

    :param path: the folder
    :param usual: names that every run of this kind replaces, whether they are listed or not
    """

    def __init__(self, path: Path, usual: Sequence[str] = ()) -> None:
        self.path, self._usual = path, usual
        self._list: LineFile | None = None
        self._names: set[str] = set()

    def file(self, name: str) -> Path:
        """
        Return the path of a file that this run is about to write, and list it.

        :param name: relative to the folder; its own folder is created
        :raises OutputError: if files of an earlier run cannot be removed, or nothing be written
        """
        if self._list is None:
            self._remove_earlier()
            self._list = LineFile(self.path / LIST)
        path = self.path / name
        if name not in self._names:
            make_folder(path.parent)
            self._list.add(name)
            self._names.add(name)
        return path

    def close(self) -> None:
        """Finish the list; it is removed if nothing was written."""
        if self._list is None:
            return
        self._list.close()
        if not any((self.path / name).exists() for name in self._names):
            (self.path / LIST).unlink(missing_ok=True)
            self._remove_folders_of(self._names)

    def _remove_earlier(self) -> None:
        listed = listed_files(self.path)
        for name in (*self._usual, *(name for name in listed if '\0' not in name)):
            path = self.path / name
            # The list may have been edited; only what lies in this folder is removed.
            if not path.parent.resolve().is_relative_to(self.path.resolve()):
                continue
            with output_errors(path), suppress(FileNotFoundError, IsADirectoryError):
                path.unlink()
        self._remove_folders_of(listed)

    def _remove_folders_of(self, names: Sequence[str] | set[str]) -> None:
        """Remove the folders that held these files if they are empty now."""
        for parent in {(self.path / name).parent for name in names} - {self.path}:
            remove_if_empty(parent)


def listed_files(folder: Path) -> list[str]:
    """
    Return the names of the files of the run that a folder holds, relative to it.

    :raises OutputError: if the list cannot be read
    """
    with output_errors(folder / LIST), suppress(FileNotFoundError):
        return (folder / LIST).read_text(encoding='utf-8', errors='replace').splitlines()
    return []


@contextmanager
def run_folder(path: Path, usual: Sequence[str] = ()) -> Iterator[RunFolder]:
    """
    Create a folder for one run, and keep other processes from writing to it meanwhile.

    :param usual: see :class:`RunFolder`
    :raises OutputError: if it cannot be created, or another process writes to it (named)
    """
    with locked_folder(path):
        folder = RunFolder(path, usual)
        try:
            yield folder
        finally:
            folder.close()
