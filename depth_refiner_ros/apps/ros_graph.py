# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ROS side of a command: a private domain, the DDS profile, the nodes as processes."""

from collections.abc import Iterable
import importlib.util
import os
from pathlib import Path
import random
import socket
from typing import Any

from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.core.needed import ROS_FIX
from depth_refiner_ros.settings.config_files import config_file, profile_environment
from depth_refiner_ros.settings.parameter_file import read_yaml, write_yaml

DOMAINS = range(1, 101)
"""Domains whose ports are below the ephemeral ports of Linux."""


class RosMissingError(DepthRefinerError):
    """This Python has no ROS 2."""


def require_ros() -> None:
    """
    Make sure that nodes can run.

    :raises RosMissingError: if ROS 2 is missing; the message says what to install
    """
    missing = [
        name
        for name in ('rclpy', 'sensor_msgs', 'diagnostic_msgs', 'std_srvs')
        if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise RosMissingError(
            f'this command starts ROS 2 nodes, but {", ".join(missing)} cannot be imported; '
            f'{ROS_FIX}'
        )


def free_domain() -> int:
    """
    Return a random ROS domain that is not in use on this machine.

    :raises RosMissingError: if all are in use
    """
    for domain in random.sample(DOMAINS, len(DOMAINS)):
        if _is_free(domain):
            return domain
    raise RosMissingError('every ROS domain on this machine is in use; stop some ROS processes')


def environment(domain: int) -> dict[str, str]:
    """Return the environment for nodes that communicate on this machine only."""
    return {
        **os.environ,
        **profile_environment(),
        'ROS_DOMAIN_ID': str(domain),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'PYTHONUNBUFFERED': '1',
        'RCUTILS_COLORIZED_OUTPUT': '0',
    }


def node_settings(group: type, node: str) -> Any:
    """Return the settings in ``config/NODE.yaml``, or the defaults without that file."""
    path = config_file(f'{node}.yaml')
    return group() if path is None else read_yaml(group, path, node)


def node_arguments(
    node: str, settings: Any, folder: Path, remaps: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """
    Write a node's parameters to a file and return the command line of its process.

    :param node: name, ``refiner`` for ``depth_refiner_ros.nodes.refiner_node``
    :param folder: receives NODE.yaml
    :param remaps: pairs of topic names, from and to
    """
    file = folder / f'{node}.yaml'
    write_text(file, write_yaml(settings, node))
    words = [
        '-m',
        'depth_refiner_ros.nodes.program',
        f'{node}_node',
        '--ros-args',
        '--params-file',
        str(file),
    ]
    for old, new in remaps:
        words += ['-r', f'{old}:={new}']
    return words


def _is_free(domain: int) -> bool:
    """Try the two ports that the first participant of a domain takes (RTPS 9.6.2)."""
    for offset in (0, 10):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', 7400 + 250 * domain + offset))
            except OSError:
                return False
    return True
