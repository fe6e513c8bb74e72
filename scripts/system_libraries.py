# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Make sure that the shared libraries that Open3D's wheel needs from the system are installed.

Installs them if permissions allow, and otherwise prints the command in one line.
"""

import ctypes
import os
from pathlib import Path
import runpy
import shutil
import subprocess
import sys

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / 'depth_refiner_ros' / 'apps' / 'system_libraries.py'
"""The table of libraries, which ``depth-refiner doctor`` reads, too."""
PACKAGE_OF: dict[str, str] = runpy.run_path(str(TABLE))['PACKAGE_OF']


class SetupError(RuntimeError):
    """A problem that only the user can fix; the message states how."""


def loads(library: str) -> bool:
    """Whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages() -> list[str]:
    """Return the Debian packages whose library is missing."""
    return [package for library, package in PACKAGE_OF.items() if not loads(library)]


def root_prefix() -> list[str] | None:
    """Return the prefix that runs a command as root, None without permission."""
    if os.geteuid() == 0:
        return []
    if shutil.which('sudo') is None:
        return None
    allowed = subprocess.run(['sudo', '-n', 'true'], capture_output=True, check=False)
    return ['sudo', '-n'] if allowed.returncode == 0 else None


def install(packages: list[str], why: str) -> None:
    """
    Install Debian packages.

    :param why: their purpose, for the message if they cannot be installed
    :raises SetupError: without permission or apt-get, or if it fails
    """
    advice = f'{why}; run: sudo apt-get install -y {" ".join(packages)}'
    prefix = root_prefix()
    if shutil.which('apt-get') is None:
        raise SetupError(f'{why}: install the equivalent of {", ".join(packages)} on your system')
    if prefix is None:
        raise SetupError(advice)
    print(f'installing {", ".join(packages)} ({why})', flush=True)
    command = [*prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get']
    setup = ['install', '-y', '-qq', '--no-install-recommends', *packages]
    for step in (['update', '-qq'], setup):
        if subprocess.run([*command, *step], stdin=subprocess.DEVNULL, check=False).returncode:
            raise SetupError(f'apt-get {step[0]} failed; {advice}')


def require() -> None:
    """
    Install missing libraries, then check again.

    :raises SetupError: if something is still missing
    """
    packages = missing_packages()
    if packages and sys.platform == 'linux':
        install(packages, 'Open3D needs them')
        if left := missing_packages():
            raise SetupError(
                f'installed, but the linker does not find {", ".join(left)}; run: sudo ldconfig'
            )


if __name__ == '__main__':
    try:
        require()
    except SetupError as error:
        sys.exit(f'error: {error}')
