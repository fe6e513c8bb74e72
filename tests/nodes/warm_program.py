# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A node's program in a process that was forked after the imports, which take longer than the test.

What the program does between its start and its exit code is the same; its imports and the end of
the interpreter are not run. Tests of those start the program itself.
"""

from importlib import import_module
import multiprocessing
import os
import subprocess
import sys

FORKS = multiprocessing.get_context('forkserver')
NODES = ('collector', 'player', 'recorder', 'refiner', 'tsdf')
FORKS.set_forkserver_preload(
    [__name__, *(f'depth_refiner_ros.nodes.{name}_node' for name in NODES)]
)


class WarmProgram:
    """
    A running node, with what the tests use of ``subprocess.Popen``.

    :param name: module below ``depth_refiner_ros.nodes`` without ``_node``
    :param words: command line without the program's name
    """

    def __init__(self, name, words, folder, environment):
        output, written = FORKS.Pipe(duplex=False)
        self.stdout = os.fdopen(os.dup(output.fileno()), encoding='utf-8', errors='replace')
        output.close()
        self._process = FORKS.Process(
            target=_run, args=(name, words, str(folder), environment, written), daemon=True
        )
        self._process.start()
        written.close()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def send_signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self._process.kill()

    def wait(self, timeout):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout)
        return self.returncode


def _run(name, words, folder, environment, written):
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(written.fileno(), stream.fileno())
        stream.reconfigure(line_buffering=True)
    written.close()
    sys.exit(import_module(f'depth_refiner_ros.nodes.{name}_node').main(words))
