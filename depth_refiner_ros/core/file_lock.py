# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Locks on open files, which the kernel releases when their process ends in any way."""

import fcntl
import os
from pathlib import Path


def try_lock(descriptor: int) -> bool | None:
    """
    Lock an open file or folder until it is closed, without waiting.

    :return: False if another process holds the lock, None if the file system has no locks
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def still_at(path: Path, descriptor: int) -> bool:
    """Whether a path still leads to an open file, which may have been removed since."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
