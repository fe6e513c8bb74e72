# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C as one line and exit code 130, at every moment of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
from types import FrameType

EXIT_CODE = 128 + signal.SIGINT
TEXT = 'depth-refiner: interrupted'


@contextmanager
def one_line_interrupts() -> Iterator[None]:
    """
    End the process at once if Ctrl-C comes during an import, raise KeyboardInterrupt otherwise.

    Libraries do not survive an interrupted import: they raise other errors, abort, or go on.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # ignored, as for background jobs of a shell
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        os.write(2, f'{TEXT}\n'.encode())
        os._exit(EXIT_CODE)
    raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith('<frozen importlib'):
            return True
        frame = frame.f_back
    return False
