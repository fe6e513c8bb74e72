# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Growing text files that contain only whole lines and lose none if the process is killed."""

import errno
import os
from pathlib import Path

from depth_refiner_ros.core.atomic import output_errors, write_text


class LineFile:
    """
    A text file that is written line by line.

    :param path: an older file there is replaced
    :param head: first lines of the file
    :raises OutputError: if it cannot be written
    """

    def __init__(self, path: Path, head: str = '') -> None:
        write_text(path, head)
        self._path = path
        with output_errors(path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def add(self, line: str) -> None:
        """
        Append a line and its end in one system call.

        :raises OutputError: if the disk is full; then no part of the line is left
        """
        size = self.size
        content = f'{line}\n'.encode()
        with output_errors(self._path):
            try:
                if os.write(self._descriptor, content) != len(content):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError:
                self.drop_after(size)
                raise

    def drop_after(self, size: int) -> None:
        """Truncate the file to an earlier value of :attr:`size`."""
        os.ftruncate(self._descriptor, size)

    @property
    def size(self) -> int:
        """Return the size of the file in bytes."""
        return os.fstat(self._descriptor).st_size

    def sync(self) -> None:
        """
        Wait until every line is on the disk, so that they survive a power cut.

        :raises OutputError: if it cannot be stored
        """
        with output_errors(self._path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; it may be called twice."""
        os.close(self._descriptor)
