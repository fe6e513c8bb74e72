# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The programs of the nodes: a node is imported only here, so that a missing package is one line.

``python -m depth_refiner_ros.nodes.program refiner_node --ros-args ...`` is ``refiner_node``.
"""

from importlib import import_module
import signal
import sys

from depth_refiner_ros.core.needed import missing_line

USER_ERROR = 2


def started(name: str, words: list[str] | None = None) -> int:
    """
    Import a node and run it.

    :param name: of its module, such as ``refiner_node``
    :param words: command line without the program's name; None for ``sys.argv``
    :return: exit code
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Until the node has its own handler: an import that Ctrl-C interrupts ends in a traceback.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return int(import_module(f'depth_refiner_ros.nodes.{name}').main(words))
    except ModuleNotFoundError as error:
        if not (line := missing_line(error)):
            raise
        print(f'{name}: {line}', file=sys.stderr)
        return USER_ERROR


def refiner() -> int:
    """Run the program ``refiner_node``."""
    return started('refiner_node')


def tsdf() -> int:
    """Run the program ``tsdf_node``."""
    return started('tsdf_node')


def player() -> int:
    """Run the program ``player_node``."""
    return started('player_node')


def recorder() -> int:
    """Run the program ``recorder_node``."""
    return started('recorder_node')


def collector() -> int:
    """Run the program ``collector_node``."""
    return started('collector_node')


if __name__ == '__main__':
    raise SystemExit(started(sys.argv[1], sys.argv[2:]))
