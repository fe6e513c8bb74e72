# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of several cameras, and the namespaces of their nodes."""

from argparse import ArgumentError, ArgumentParser
from collections.abc import Sequence
from itertools import pairwise
import re

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import shown

OPTION = '--cameras'
NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*')
PLACE = '{camera}'
"""Stands for the name of a camera in topics."""


def camera_names(text: str) -> list[str]:
    """
    Return the names in a list such as ``front,rear``; none in an empty text.

    :raises SettingsError: if one cannot be a namespace, or is there twice
    """
    names = [name for name in (word.strip().strip('/') for word in text.split(',')) if name]
    for name in names:
        if not NAME.fullmatch(name):
            raise SettingsError(
                f'cameras: {shown(name)} cannot be a namespace; take letters, digits and _'
            )
        if names.count(name) > 1:
            raise SettingsError(f'cameras: {name} is named twice; each needs its own topics')
    return names


def camera_namespaces(words: Sequence[str]) -> list[str]:
    """
    Return the namespaces of the cameras on a command line, below that of the program.

    :raises SettingsError: if the names cannot be used
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument(OPTION)
    try:  # a double dash ends the words of ROS
        given = parser.parse_known_args([word for word in words if word != '--'])[0].cameras
    except ArgumentError:
        given = ''
    names = [] if given is None else camera_names(given)
    if given is not None and not names:
        raise SettingsError(f'{OPTION} names none; type {OPTION} front,rear')
    below = [
        value.partition(':=')[2].strip('/')
        for option, value in pairwise(words)
        if option in ('-r', '--remap') and value.startswith('__ns:=')
    ]
    return ['/' + '/'.join(filter(None, (*below[-1:], name))) for name in names]
