"""Run one node as a program: a user's mistake is one line and exit code 2."""

from collections.abc import Callable
import signal
import sys
import threading
from typing import cast, Protocol

from depth_refiner_ros.core.errors import DepthRefinerError
import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

SUCCESS, BUG, USER_ERROR = 0, 1, 2
POLL_S = 0.1
"""A signal or the node's own end is seen after this long."""


class Runnable(Protocol):
    """
    What a node must offer to be run.

    :param exit_code: of the program, 0 where all went well
    :param finished: True once the node has nothing more to do
    """

    exit_code: int
    finished: bool

    def autostarted(self) -> bool:
        """Start by itself where asked to; False where that failed."""

    def close(self) -> None:
        """Stop working and let go."""

    def destroy_node(self) -> None:
        """Leave the graph."""


def run(make_node: Callable[[], Runnable], args: list[str] | None = None) -> int:
    """
    Make a node, start it and serve it until it has finished or a signal ends it.

    :param args: command line without the program's name; ``sys.argv`` where None
    :return: exit code
    """
    # rclpy's own handlers would close the context before the node could save and say farewell.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    told_to_end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_end.set())
    try:
        return _serve(make_node(), told_to_end)
    except DepthRefinerError as error:
        print(error, file=sys.stderr)
        return USER_ERROR
    finally:
        rclpy.try_shutdown()


def _serve(node: Runnable, told_to_end: threading.Event) -> int:
    executor = SingleThreadedExecutor()
    executor.add_node(cast(Node, node))
    try:
        if node.autostarted():
            while not (told_to_end.is_set() or node.finished):
                executor.spin_once(timeout_sec=POLL_S)
    except ExternalShutdownException:
        pass
    finally:
        node.close()
        executor.shutdown()
        node.destroy_node()
    return node.exit_code
