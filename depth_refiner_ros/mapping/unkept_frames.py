# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Count on disk the frames that a map has and its file has not, for the run after one that is killed.

The count is a hidden file beside that of the map, there as long as such frames are. The system has
it as soon as it is written, so it outlives the process; after a power cut it may be behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
import os
from pathlib import Path
import struct

from depth_refiner_ros.core.messages import counted

RECORD = struct.Struct('<4Q')
"""Frames fused, frames in the file, frames being saved, and which file was there before that."""


class UnkeptFrames:
    """
    The frames of a map that its file lacks.

    :param file: of the map: a volume, or a mesh where nothing else is kept
    :param kept: number of frames of this map that the file has
    """

    def __init__(self, file: Path, kept: int) -> None:
        self._file = file
        self._fused, self._kept, self._saving, self._emptied = kept, kept, 0, 0
        self._count = file.with_name(f'.{file.name}.frames')

    def of_last_run(self) -> str:
        """Return a line about frames that the run before has lost, '' if none; and forget them."""
        record = b''
        with suppress(OSError):
            record = self._count.read_bytes()
        self.forget()
        if len(record) != RECORD.size:
            return ''
        fused, kept, saving, before = RECORD.unpack(record)
        if saving and self._number() != before:  # killed when the new file was in place
            kept = saving
        if fused <= kept:
            return ''
        numbers = f'{kept + 1} to {fused}' if fused > kept + 1 else str(fused)
        return (
            f'{self._file}: the run before ended, or still runs, without saving its last '
            f'{counted(fused - kept, "frame")} ({numbers})'
        )

    def fused(self, frames: int) -> None:
        """Note the number of frames that the map has."""
        self._fused = frames
        self._note()

    @contextmanager
    def saving(self, frames: int) -> Iterator[None]:
        """Note that the map is written to its file in this block; it may grow meanwhile."""
        self._saving = frames
        self._note()
        emptied = self._emptied
        try:
            yield
            if emptied == self._emptied:
                self._kept = frames
        finally:
            self._saving = 0
        if self._fused > self._kept:
            self._note()
        else:
            self.forget()

    def restart(self) -> None:
        """Note that the map was emptied: what the file has is of another map from now on."""
        self._fused, self._kept = 0, 0
        self._emptied += 1
        self.forget()

    def forget(self) -> None:
        """Remove the count: all is kept, or given up."""
        with suppress(OSError):
            self._count.unlink(missing_ok=True)

    def _note(self) -> None:
        # A folder that cannot be written is told when the map is saved.
        with suppress(OSError):
            self._count.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._count, os.O_WRONLY | os.O_CREAT, 0o666)
            try:
                numbers = self._fused, self._kept, self._saving, self._number()
                os.pwrite(descriptor, RECORD.pack(*numbers), 0)
            finally:
                os.close(descriptor)

    def _number(self) -> int:
        """Return which file there is; a new one is there beside it before it takes its name."""
        with suppress(OSError):
            return self._file.stat().st_ino
        return 0
