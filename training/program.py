# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the programs of training end: one line and an exit code; bugs keep their traceback."""

from collections.abc import Callable
import sys

from depth_refiner_ros.core.errors import DepthRefinerError


def ended(work: Callable[[], None]) -> int:
    """
    Run a program.

    :return: exit code; 2 after a user's mistake, 130 after Ctrl-C, both reported in one line
    """
    try:
        work()
    except DepthRefinerError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        return 130
    return 0
