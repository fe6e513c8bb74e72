# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether there is a file or folder, also where its user keeps others out."""

import os
from pathlib import Path

from depth_refiner_ros.core.errors import InputError


def exists(path: Path) -> bool:
    """
    Return whether there is a file or folder.

    :raises InputError: where a folder above it may not be entered, with the path
    """
    try:
        return path.exists()
    except PermissionError as error:
        raise _forbidden(path, error) from error


def user_path(where: str | Path) -> Path:
    """
    Return a path as people type it, with ``~`` for a home folder.

    :raises InputError: for the home of a user who has none
    """
    try:
        return Path(where).expanduser()
    except RuntimeError as error:
        raise InputError(f'{where}: no such home folder; write the whole path') from error


def entered_path(where: str | Path) -> Path:
    """
    Return a path as :func:`user_path` does, of a file or of a folder that may be entered, if any.

    :raises InputError: also for a forbidden folder, and for a name that no file can have
    """
    path = user_path(where)
    try:
        os.stat(f'{path}/.')
    except (FileNotFoundError, NotADirectoryError, ValueError):
        pass
    except OSError as error:
        raise _forbidden(path, error) from error
    return path


def _forbidden(path: Path, error: OSError) -> InputError:
    return InputError(f'cannot read {path}: {error.strerror}; check who may enter its folders')
