# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Python processes that tests start, wait for and kill."""

from contextlib import contextmanager
import subprocess
import sys


@contextmanager
def python(code, *arguments):
    """Run code in a separate process, wait for its first line, and kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, '-c', code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
