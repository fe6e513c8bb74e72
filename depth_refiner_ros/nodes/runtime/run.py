# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Run nodes as a program: a user's mistake is one line and exit code 2."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
import signal
import sys
import threading
from typing import cast, Protocol

from depth_refiner_ros.core.dds_segments import free_abandoned
from depth_refiner_ros.core.errors import DepthRefinerError, SettingsError
from depth_refiner_ros.settings.nodes import NODES
from depth_refiner_ros.settings.parameter_file import unmatched
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

SUCCESS, FAILURE, USER_ERROR = 0, 1, 2
POLL_S = 0.1
"""Longest delay until a signal or the node's own end is noticed."""
PARAMS_FILE = '--params-file'


class Runnable(Protocol):
    """
    Interface of a node that can be run as a program.

    :param exit_code: of the program, 0 on success
    :param finished: True once the node has nothing more to do
    """

    exit_code: int
    finished: bool

    def autostarted(self) -> bool:
        """Start if the settings say so; return False if that failed."""

    def close(self) -> None:
        """Stop and release everything."""

    def destroy_node(self) -> None:
        """Leave the graph."""


def run(name: str, make_node: Callable[[], Runnable], args: list[str] | None = None) -> int:
    """
    Create a node, start it and spin it until it has finished or a signal ends it.

    :param name: of the node, for the log
    :param args: command line without the program's name; None for ``sys.argv``
    :return: exit code
    """
    return run_together(name, lambda: [make_node()], args)


def run_together(
    name: str, make_nodes: Callable[[], Sequence[Runnable]], args: list[str] | None = None
) -> int:
    """
    Run nodes as :func:`run`, until one of them has finished; they share one thread for callbacks.

    :return: the largest of their exit codes
    """
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # nohup has the loss of a terminal ignored; without it, that ends a node as Ctrl-C does.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: ending.set())
    words = sys.argv if args is None else args
    freed = free_abandoned()  # a node that is killed and started again took more each time
    try:
        _init(words)
        nodes = make_nodes()
        if freed:
            cast(Node, nodes[0]).get_logger().info(
                f'gave back {freed / 2**20:.0f} MiB of shared memory of killed ROS processes'
            )
        _warn_of_unmatched_files([cast(Node, node) for node in nodes], words)
        return _serve(nodes, ending)
    except DepthRefinerError as error:
        rclpy.logging.get_logger(name).error(str(error))
        return USER_ERROR
    finally:
        rclpy.try_shutdown()


def _init(words: list[str]) -> None:
    """
    Start ROS.

    :raises SettingsError: if rcl cannot read the command line or a parameter file
    """
    try:
        # rclpy's own handlers would close the context before the node could save its results.
        rclpy.init(args=words, signal_handler_options=SignalHandlerOptions.NO)
    except (rclpy_implementation.RCLError, rclpy_implementation.UnknownROSArgsError) as error:
        reason = ' '.join(str(error).split())
        raise SettingsError(f'ROS cannot read the command line: {reason}') from error


def _warn_of_unmatched_files(nodes: Sequence[Node], words: list[str]) -> None:
    """Log each parameter file without a section for a node of this package."""
    names = [node.get_fully_qualified_name() for node in nodes]
    for node in nodes:
        names += [f'{node.get_namespace().rstrip("/")}/{name}' for name in NODES]
    for option, file in pairwise(words):
        if option != PARAMS_FILE:
            continue
        try:
            line = unmatched(Path(file), dict.fromkeys(names))
        except SettingsError as error:  # rcl could read it, so its parameters do apply
            line = str(error)
        if line:
            nodes[0].get_logger().warning(line)


def _serve(nodes: Sequence[Runnable], ending: threading.Event) -> int:
    executor = SingleThreadedExecutor()
    for node in nodes:
        executor.add_node(cast(Node, node))
    try:
        if all(node.autostarted() for node in nodes):
            while not (ending.is_set() or any(node.finished for node in nodes)):
                executor.spin_once(timeout_sec=POLL_S)
    except ExternalShutdownException:
        pass
    finally:
        for node in nodes:
            node.close()
        executor.shutdown()
        for node in nodes:
            node.destroy_node()
    return max(node.exit_code for node in nodes)
