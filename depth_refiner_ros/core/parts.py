# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Unfinished files and folders under temporary names, removed if their writer was killed.

A writer holds a lock on its part. A part without a lock belongs to a writer that was killed.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
import os
from pathlib import Path
import secrets
import shutil

from depth_refiner_ros.core.file_lock import still_at, try_lock

NAME = '.depth-refiner.{}.part'


@contextmanager
def claimed_part(folder: Path, *, is_folder: bool = False) -> Iterator[Path]:
    """
    Create an empty part in a folder; on leaving, remove it if it still has its temporary name.

    :param is_folder: create a folder rather than a file
    :raises OSError: if nothing can be written there
    """
    sweep_once(folder)
    part, descriptor = _claim(folder, is_folder)
    try:
        yield part
    finally:
        remove(part)
        os.close(descriptor)


@cache
def sweep_once(folder: Path) -> None:
    """Call :func:`sweep` the first time that this process writes to a folder."""
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the parts that killed writers left in a folder."""
    for part in folder.glob(NAME.format('?' * 8)):
        try:
            descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:  # finished meanwhile, or owned by another user
            continue
        try:
            if try_lock(descriptor) and still_at(part, descriptor):
                remove(part)
        finally:
            os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or folder as far as permissions allow; it may be missing."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _claim(folder: Path, is_folder: bool) -> tuple[Path, int]:
    while True:
        part = folder / NAME.format(secrets.token_hex(4))
        if is_folder:
            part.mkdir()
            descriptor = os.open(part, os.O_RDONLY | os.O_DIRECTORY)
        else:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        # Another process may sweep between the creation of the part and its lock.
        if try_lock(descriptor) is not False and still_at(part, descriptor):
            return part, descriptor
        os.close(descriptor)
