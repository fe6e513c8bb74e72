# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A node's program in a process that was forked after the imports."""

from functools import partial
from importlib import import_module
import os
import subprocess

from tests.warm_server import start


class WarmProgram:
    """
    A running node, with what the tests use of ``subprocess.Popen``.

    :param name: module below ``depth_refiner_ros.nodes`` without ``_node``
    :param words: command line without the program's name
    """

    def __init__(self, name, words, folder, environment):
        self._process, self.stdout = start(partial(_main, name), words, folder, environment)
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


def _main(name, words):
    return import_module(f'depth_refiner_ros.nodes.{name}_node').main(words)
