# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run one node as a foreground process in the ROS domain of the caller."""

from functools import partial
import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
from typing import Any, IO

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.processes import die_with_parent
from depth_refiner_ros.apps.ros_graph import node_arguments, require_ros
from depth_refiner_ros.settings.config_files import profile_environment

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SEVERITIES = {
    'INFO': '',
    'WARN': 'WARNING: ',
    'ERROR': 'depth-refiner: ',
    'FATAL': 'depth-refiner: ',
}
"""What rcutils calls the severity of a line, and how a command begins such a line."""


SEPARATOR = ' | '
PLAIN_LOG = {
    'RCUTILS_CONSOLE_OUTPUT_FORMAT': f'{{severity}}{SEPARATOR}{{message}}',
    'RCUTILS_COLORIZED_OUTPUT': '0',
    'RCUTILS_LOGGING_USE_STDOUT': '0',
}


def run_node(node: str, settings: Any) -> None:
    """
    Run a node until it ends, or until a signal to this process ends it.

    Its log comes in the style of a command: plain lines that name flags.

    :raises RosMissingError: if this Python has no ROS 2
    :raises SystemExit: with the exit code of a node that failed
    """
    require_ros()
    with tempfile.TemporaryDirectory(prefix='depth_refiner_') as folder:
        arguments = node_arguments(node, settings, Path(folder))
        # The node has its own session, so the terminal's Ctrl-C does not reach it. It gets one
        # request to end from here, whether the signal went to the group or only to us.
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, **profile_environment(), **PLAIN_LOG},
            stderr=subprocess.PIPE,
            text=True,
            errors='replace',
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
        asked = _forward(process)
        assert process.stderr is not None, 'it is a pipe'
        _retell(process.stderr)
        code = process.wait()
    if code and not (asked and code == -signal.SIGTERM):
        raise SystemExit(code if code > 0 else 128 - code)


def _retell(log: IO[str]) -> None:
    """Print the lines of a node's log until it ends."""
    for line in log:
        severity, separator, message = line.rstrip('\n').partition(SEPARATOR)
        if separator and severity in SEVERITIES:
            note(SEVERITIES[severity] + message)
        else:
            note(line.rstrip('\n'))


def _forward(process: subprocess.Popen[str]) -> list[int]:
    """Turn each signal to end into a SIGTERM to the node; return the list of those received."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        asked.append(number)
        process.terminate()

    for number in ENDINGS:
        signal.signal(number, ask)
    return asked
