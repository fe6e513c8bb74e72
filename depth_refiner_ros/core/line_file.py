# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Text files that grow: whole lines only, none of them lost when their process is killed."""

import errno
import os
from pathlib import Path

from depth_refiner_ros.core.atomic import output_errors, write_text


class LineFile:
    """
    A text file that is written line by line.

    :param path: an older file there is replaced
    :param head: what it begins with
    :raises OutputError: where it cannot be written
    """

    def __init__(self, path: Path, head: str = '') -> None:
        write_text(path, head)
        self._path = path
        with output_errors(path):
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    def add(self, line: str) -> None:
        """
        Append a line and its end in one call of the system.

        :raises OutputError: where the disk is full; no part of the line is left then
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
        """Cut the file to a size that :attr:`size` had before."""
        os.ftruncate(self._descriptor, size)

    @property
    def size(self) -> int:
        """Return the bytes that the file holds."""
        return os.fstat(self._descriptor).st_size

    def sync(self) -> None:
        """
        Wait until the disk has every line, so that they survive a power cut.

        :raises OutputError: where it cannot be stored
        """
        with output_errors(self._path):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file, once."""
        os.close(self._descriptor)
