# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Messages of the library in the words of a command.

The library and the nodes name options as ROS parameters (``prior:=bundled``, ``assume_fov_deg``);
a command has flags (``--prior bundled``, ``--assume-fov-deg``).
"""

from collections.abc import Iterable
import re

_FLAGS: dict[str, str] = {}
"""Option name to flag, of the command that runs in this process."""


def flag_of(name: str, prefix: str = '') -> str:
    """Return the flag of an option, such as ``--points-stride`` of ``points.stride``."""
    return '--' + (prefix + name).replace('.', '-').replace('_', '-')


def speak_in_flags(names: Iterable[str], prefix: str = '') -> None:
    """
    Let :func:`in_flags` translate these options from now on.

    :param prefix: of their flags; messages may leave it out unless another option has that name
    """
    for name in names:
        _FLAGS[prefix + name] = flag_of(name, prefix)
        _FLAGS.setdefault(name, flag_of(name, prefix))


def in_flags(line: str) -> str:
    """
    Return a message with the flags of the running command in place of parameters.

    A name of one word, such as ``prior``, is also an English word: it is translated only where a
    value follows, as in ``prior:=bundled`` and ``prior = bundled``.
    """
    for name, flag in _FLAGS.items():
        if name not in line:
            continue
        free = rf'(?<![\w./\'"-]){re.escape(name)}'
        line = re.sub(rf'{free}:=true\b', flag, line)
        line = re.sub(rf'{free}:=false\b', f'--no-{flag[2:]}', line)
        line = re.sub(rf'{free}(:=| = )(?=\S)', f'{flag} ', line)
        if '_' in name or '.' in name:
            line = re.sub(rf'{free}(?![\w/\'"-]|[.:]\S)', flag, line)
    return line
