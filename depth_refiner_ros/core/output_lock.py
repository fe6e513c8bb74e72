# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Let one process at a time write to an output; a second one is told which process does."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import sys

from depth_refiner_ros.core.atomic import make_folder
from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.file_lock import still_at, try_lock

NAME = '.depth-refiner.lock'
SHOWN_COMMAND = 80
"""Number of characters shown of the other process's command line."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """
    Create a folder and keep other processes from writing to it meanwhile.

    :raises OutputError: if it cannot be created, or another process writes to it (named)
    """
    there = os.path.exists(folder)  # unlike Path.exists, without an error where it is forbidden
    make_folder(folder)
    try:
        with _locked(folder / NAME, folder):
            yield
    finally:
        if not there:
            remove_if_empty(folder)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder that nothing was written to."""
    with suppress(OSError):
        folder.rmdir()


@contextmanager
def locked_file(path: Path) -> Iterator[None]:
    """
    Keep other processes from writing to a file meanwhile; it need not exist.

    :raises OutputError: if its folder cannot be created, or another process writes to it (named)
    """
    path = Path(os.path.realpath(path))  # a link is followed by what writes, too
    make_folder(path.parent)
    with _locked(path.with_name(f'.{path.name}{NAME}'), path):
        yield


@contextmanager
def _locked(lock: Path, output: Path) -> Iterator[None]:
    descriptor = _acquired(lock, output)
    try:
        with suppress(OSError):  # a full disk: the lock still works, but names no process
            os.ftruncate(descriptor, 0)
            os.write(descriptor, _this_process().encode(errors='backslashreplace'))
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _acquired(lock: Path, output: Path) -> int:
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(
                f'cannot write {lock}: {error.strerror}; check the permissions or choose '
                'another place'
            ) from error
        if try_lock(descriptor) is False:
            holder = os.read(descriptor, 1000).decode(errors='replace') or 'another process'
            os.close(descriptor)
            raise OutputError(
                f'{output} is being written by {holder}; wait for it, or choose another place'
            )
        if still_at(lock, descriptor):
            return descriptor
        os.close(descriptor)  # its last holder has just removed it


def _this_process() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    command = ' '.join(words).replace('\n', ' ')
    shown = command if len(command) <= SHOWN_COMMAND else f'{command[:SHOWN_COMMAND]}...'
    return f'process {os.getpid()} ({shown})'
