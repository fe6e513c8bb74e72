# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM as one line and exit code 130 or 143, at every moment of a command."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
from types import FrameType

EXIT_CODE = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
TEXTS = {EXIT_CODE: 'depth-refiner: interrupted', TERMINATED: 'depth-refiner: terminated'}


@contextmanager
def one_line_interrupts() -> Iterator[None]:
    """
    End the process at once if a signal comes during an import, else unwind it.

    Libraries do not survive an interrupted import: they raise other errors, abort, or go on.
    SIGINT raises KeyboardInterrupt, SIGTERM SystemExit, so that locks and parts are removed.
    """
    handlers = {
        signal.SIGINT: (signal.default_int_handler, _interrupt),
        signal.SIGTERM: (signal.SIG_DFL, _terminate),
    }
    before = {}
    for number, (default, handler) in handlers.items():
        if signal.getsignal(number) is default:  # not ignored, as in background jobs of a shell
            before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


def _interrupt(number: int, frame: FrameType | None) -> None:
    _end_an_import(EXIT_CODE, frame)
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> None:
    _end_an_import(TERMINATED, frame)
    raise SystemExit(TERMINATED)


def _end_an_import(code: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        os.write(2, f'{TEXTS[code]}\n'.encode())
        os._exit(code)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith('<frozen importlib'):
            return True
        frame = frame.f_back
    return False
