# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Matlab files (version 5 to 7) of public data sets, read by scipy."""

from pathlib import Path
import subprocess
import sys
from typing import Any
import zlib

LOAD = 'import sys; from scipy.io import loadmat; loadmat(sys.argv[1])'
FIRST_TAG, COMPRESSED = slice(128, 132), (b'\x0f\0\0\0', b'\0\0\0\x0f')
LIMIT_S = 20.0
ERRORS = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError, NameError, EOFError),
    *(ArithmeticError, NotImplementedError, MemoryError, zlib.error),
)
"""What scipy raises for a damaged file, or what follows from its contents."""


def read_mat(path: Path) -> dict[str, Any]:
    """
    Return the variables of a file.

    A damaged file can crash scipy's compiled reader or keep it busy for ever. Compressed variables
    carry a checksum; others are read by a process of its own first.

    :raises ValueError: or another of ``ERRORS``, if the file is damaged or of another kind
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    with open(path, 'rb') as file:
        compressed = file.read(FIRST_TAG.stop)[FIRST_TAG] in COMPRESSED
    if not compressed:
        _try(path)
    try:
        return dict(loadmat(str(path)))
    except MatReadError as error:
        raise ValueError(str(error)) from error


def _try(path: Path) -> None:
    """Read a file in another process; what it raises there, it raises here as well."""
    try:
        done = subprocess.run(
            [sys.executable, '-c', LOAD, str(path)], timeout=LIMIT_S, capture_output=True
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f'not read within {LIMIT_S:.0f} s') from error
    if done.returncode < 0:
        raise ValueError(f'its reader ended with signal {-done.returncode}')
