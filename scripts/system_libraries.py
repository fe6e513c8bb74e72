# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Make sure that the shared libraries which Open3D's wheel takes from the system are there.

Installs them where there are rights to, and else says in one line what to type.
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
"""The one table, which ``depth-refiner doctor`` reads too."""
PACKAGE_OF: dict[str, str] = runpy.run_path(str(TABLE))['PACKAGE_OF']


class SetupError(RuntimeError):
    """Something that only the user can put right, with the fix in its message."""


def loads(library: str) -> bool:
    """Return whether the dynamic linker finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages() -> list[str]:
    """List the Debian packages whose library is not there."""
    return [package for library, package in PACKAGE_OF.items() if not loads(library)]


def root_prefix() -> list[str] | None:
    """Return what to put before a command to run it as root, None where there is no such right."""
    if os.geteuid() == 0:
        return []
    if shutil.which('sudo') is None:
        return None
    allowed = subprocess.run(['sudo', '-n', 'true'], capture_output=True, check=False)
    return ['sudo', '-n'] if allowed.returncode == 0 else None


def install(packages: list[str], why: str) -> None:
    """
    Install Debian packages.

    :param why: what they are for, to say so where they cannot be installed
    :raises SetupError: where there is no right to, no apt-get, or it fails
    """
    advice = f'{why}; type: sudo apt-get install -y {" ".join(packages)}'
    prefix = root_prefix()
    if shutil.which('apt-get') is None:
        raise SetupError(f'{why}: install what your system calls {", ".join(packages)}')
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
    Install what is missing, if anything is, and look again.

    :raises SetupError: where something stays missing
    """
    packages = missing_packages()
    if packages and sys.platform == 'linux':
        install(packages, 'Open3D needs them')
        if left := missing_packages():
            raise SetupError(
                f'installed, yet the linker does not find {", ".join(left)}; type: sudo ldconfig'
            )


if __name__ == '__main__':
    try:
        require()
    except SetupError as error:
        sys.exit(f'error: {error}')
