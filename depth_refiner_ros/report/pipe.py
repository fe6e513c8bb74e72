# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A path for libraries that write files themselves: we receive their bytes and the errors."""

import os
import threading
from typing import BinaryIO

BLOCK = 1 << 20


class FilePipe:
    """
    Moves what is written to :attr:`path` into an open file.

    :param file: receives the bytes
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._error: OSError | None = None
        self._read_end, self._write_end = os.pipe()
        self.path = f'/proc/self/fd/{self._write_end}'
        """Path that the library opens and closes."""
        self._thread = threading.Thread(target=self._move, daemon=True)
        self._thread.start()

    def opened(self) -> None:
        """Note that the library has opened the path: the pipe ends when it closes it."""
        os.close(self._write_end)

    def check(self) -> None:
        """Raise the first error of writing to the file, if any."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait for the last bytes; call it once the library has closed the path."""
        self._thread.join()
        os.close(self._read_end)
        self.check()

    def _move(self) -> None:
        while block := os.read(self._read_end, BLOCK):
            if self._error is None:
                try:
                    self._file.write(block)
                except OSError as error:
                    self._error = error  # and keep reading: the library must not block
