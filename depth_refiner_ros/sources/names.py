# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of files: their order, and companion files that are not images."""

from pathlib import Path
import re

DIGITS = re.compile('([0-9]+)')


def natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a key that sorts IMG_2 before IMG_10."""
    parts = DIGITS.split(path.name)
    return [(int(part), '') if index % 2 else (-1, part) for index, part in enumerate(parts)]


def is_companion(path: Path) -> bool:
    """Whether a file is one of the ``._NAME`` files that macOS writes on other file systems."""
    return path.name.startswith('._')
