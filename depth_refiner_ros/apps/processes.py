# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Child processes that always end with their parent, and whose failures are one line."""

from collections.abc import Mapping, Sequence
import ctypes
from dataclasses import dataclass
from functools import partial
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import FrameType, TracebackType
from typing import IO

from depth_refiner_ros.core.errors import DepthRefinerError

PR_SET_PDEATHSIG = 1
STOP_SIGNALS = ((signal.SIGINT, 15.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
"""Signals that end a child, in order, with the seconds to wait after each."""
TAIL_LINES = 12


class ChildError(DepthRefinerError):
    """
    A child process failed.

    :param exit_code: for the command; 2 if the child reported a user's mistake
    :param tail: the end of its log, printed below the message
    """

    def __init__(self, message: str, exit_code: int = 1, tail: str = '') -> None:
        super().__init__(message)
        self.exit_code, self.tail = exit_code, tail

    def __str__(self) -> str:
        return '\n'.join([super().__str__(), *self.tail.splitlines()])


@dataclass(frozen=True)
class Child:
    """A running program and the file with its output."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def running(self) -> bool:
        """Whether it is still running."""
        return self.process.poll() is None

    def tail(self) -> str:
        """Return the last lines of its output."""
        lines = self.log.read_text(encoding='utf-8', errors='replace').splitlines()
        return '\n'.join(f'  {line}' for line in lines[-TAIL_LINES:])


class Children:
    """
    A group of child processes; leaving the context ends them all, last started first.

    Ctrl-C and SIGTERM reach only this process, because each child has its own session. If this
    process is killed, the kernel ends the children.

    :param log_folder: receives NAME.log of each child
    :param environment: their environment variables
    """

    def __init__(self, log_folder: Path, environment: Mapping[str, str]) -> None:
        self._log_folder = log_folder
        self._environment = dict(environment)
        self._children: dict[str, Child] = {}
        self._streams: list[IO[bytes]] = []
        self._asked: dict[str, signal.Signals] = {}
        self._old_handler: object = None

    def __enter__(self) -> 'Children':
        self._log_folder.mkdir(parents=True, exist_ok=True)
        self._old_handler = signal.signal(signal.SIGTERM, _end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for name in reversed(self._children):
            self.stop(name)
        for stream in self._streams:
            stream.close()
        signal.signal(signal.SIGTERM, self._old_handler)  # type: ignore[arg-type]

    def start(self, name: str, arguments: Sequence[str]) -> Child:
        """Start ``python arguments...`` under a name."""
        log = self._log_folder / f'{name}.log'
        stream = log.open('wb')
        self._streams.append(stream)
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        self._children[name] = Child(name, process, log)
        return self._children[name]

    def check(self) -> None:
        """
        Raise an error if a child has failed; one that was asked to end does not count.

        :raises ChildError: with the end of its log
        """
        for child in self._children.values():
            code = child.process.poll()
            if code and code != -self._asked.get(child.name, 0):
                raise ChildError(
                    f'{child.name} ended with {ending(code)}; the end of {child.log}:',
                    2 if code == 2 else 1,
                    child.tail(),
                )

    def running(self, name: str) -> bool:
        """Whether a child is still running."""
        return self._children[name].running

    def stop(self, name: str) -> int:
        """
        End a child: SIGINT, then SIGTERM, then SIGKILL.

        :return: its exit code
        """
        process = self._children[name].process
        for request, patience_s in STOP_SIGNALS:
            if process.poll() is not None:
                break
            self._asked[name] = request
            os.killpg(process.pid, request)
            _wait(process, patience_s)
        return process.wait()


def _wait(process: subprocess.Popen[bytes], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def ending(code: int) -> str:
    """Return how a process ended, such as ``signal SIGKILL``."""
    return f'exit code {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def die_with_parent(parent: int) -> None:
    """
    Make the kernel kill this process when its parent ends, and restore SIGINT.

    To be called in the child. A command that a shell starts in the background ignores SIGINT,
    and its children would inherit that.

    :param parent: process id of the parent, which may have ended already
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
