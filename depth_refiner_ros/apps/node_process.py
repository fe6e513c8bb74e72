"""One node as a process in the foreground, in the ROS domain of the caller."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import tempfile
from typing import Any

from depth_refiner_ros.apps.ros_graph import node_arguments, profile_environment, require_ros


def run_node(node: str, settings: Any) -> None:
    """
    Run a node until it ends, Ctrl-C or SIGTERM, which it is handed.

    :raises RosMissingError: where this Python has no ROS 2
    """
    require_ros()
    with tempfile.TemporaryDirectory(prefix='depth_refiner_') as folder:
        arguments = node_arguments(node, settings, Path(folder))
        process = subprocess.Popen(
            [sys.executable, *arguments], env={**os.environ, **profile_environment()}
        )
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = _wait(process)
    if code:
        raise SystemExit(code)


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; Ctrl-C reaches the child too, which ends by itself."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
