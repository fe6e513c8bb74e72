# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Shared memory of ROS processes that were killed.

Fast DDS gives a segment back when its process ends in order. One that was killed, by the kernel
for want of memory for instance, leaves it: 67 MiB of memory each with ``config/fastdds.xml``.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import re
import time

from depth_refiner_ros.core.file_lock import try_lock

FOLDER = Path('/dev/shm')
SEGMENT = re.compile('fastdds_[0-9a-z]{16}')
LOCK_SUFFIX = '_el'
"""A process locks the file beside its segment for as long as it lives."""
LEAST_AGE_S = 10.0
"""A process that just starts has made that file and not locked it yet."""


def abandoned_bytes(folder: Path = FOLDER) -> int:
    """Return how much memory the segments take whose process has ended."""
    taken = 0
    for segment in _segments(folder):
        with _unlocked(segment) as abandoned:
            taken += _bytes(segment) if abandoned else 0
    return taken


def free_abandoned(folder: Path = FOLDER, least_age_s: float = LEAST_AGE_S) -> int:
    """
    Remove the segments whose process has ended, as ``fastdds shm clean`` does.

    Those of other users, which may not be removed, stay.

    :param least_age_s: younger ones stay, too
    :return: how many bytes that gave back
    """
    freed = 0
    for segment in _segments(folder):
        with _unlocked(segment, least_age_s) as abandoned, suppress(OSError):
            if abandoned:
                taken = _bytes(segment)
                segment.unlink()
                freed += taken
                _lock_file(segment).unlink()
    return freed


def _segments(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder) if SEGMENT.fullmatch(name)]
    return []


def _lock_file(segment: Path) -> Path:
    return segment.with_name(segment.name + LOCK_SUFFIX)


def _bytes(segment: Path) -> int:
    with suppress(OSError):
        return segment.stat().st_blocks * 512
    return 0


@contextmanager
def _unlocked(segment: Path, least_age_s: float = 0.0) -> Iterator[bool]:
    """Hold the lock of a segment, and say whether that was possible: its process has ended."""
    try:
        descriptor = os.open(_lock_file(segment), os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        age_s = time.time() - os.fstat(descriptor).st_mtime
        yield age_s >= least_age_s and try_lock(descriptor) is True
    finally:
        os.close(descriptor)
