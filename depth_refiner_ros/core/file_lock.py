# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Locks on open files: the kernel ends them with their process, however it ends."""

import fcntl
import os
from pathlib import Path


def try_lock(descriptor: int) -> bool | None:
    """
    Lock an open file or folder until it is closed, without waiting.

    :return: False where another process holds the lock, None where the file system has no locks
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def still_at(path: Path, descriptor: int) -> bool:
    """Return whether a path still leads to an open file, which may have been removed since."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
