# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nodes that refuse to start, all in this process, so that imports run only once."""

import importlib
import signal

ENDING = (signal.SIGINT, signal.SIGTERM)


def refused_start(name, parameters, namespace, capfd):
    """
    Start a node like its program.

    :return: exit code, and what was written to stdout and stderr
    """
    words = ['--ros-args', '-r', f'__ns:={namespace}']
    for key, value in parameters.items():
        words += ['-p', f'{key}:={value}']
    main = importlib.import_module(f'depth_refiner_ros.nodes.{name}_node').main
    handlers = [signal.getsignal(number) for number in ENDING]
    capfd.readouterr()
    try:
        code = main(words)
    finally:
        for number, handler in zip(ENDING, handlers):
            signal.signal(number, handler)
    written = capfd.readouterr()
    return code, written.out + written.err
