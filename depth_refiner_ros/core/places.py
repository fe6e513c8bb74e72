# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether there is a file or folder, also where its user keeps others out."""

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
        raise InputError(
            f'cannot read {path}: {error.strerror}; check who may enter its folders'
        ) from error
