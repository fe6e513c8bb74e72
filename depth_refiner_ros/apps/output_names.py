# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Unique names of files and folders for results, valid on every file system."""

from collections.abc import Sequence
from itertools import count
from pathlib import Path
import re

UNSAFE = re.compile(r'[^\w.+@=-]')
MOST_CHARACTERS, MOST_BYTES = 80, 200
"""File systems allow 255 bytes, of which endings such as ``_panel.png`` need some."""
MESH_FILE = 'mesh.ply'
RESULT_FILES = (MESH_FILE, 'panel.png', 'trajectory.txt', 'report.html', 'summary.json')
"""What a run may leave beside the views of the mesh; ``summary.json`` is written last."""


def safe_name(name: str) -> str:
    """Return the last part of a name, ``_`` for characters that some file systems reject."""
    safe = UNSAFE.sub('_', name.rstrip('/').rpartition('/')[2])[:MOST_CHARACTERS]
    return safe.encode()[:MOST_BYTES].decode(errors='ignore')


def frame_name(index: int, name: str) -> str:
    """Return a file name that begins with the frame's index, so that it is unique."""
    return f'{index:06d}_{safe_name(name)}' if name else f'{index:06d}'


def folder_names(locations: Sequence[str]) -> list[str]:
    """Return a folder name for each source."""
    names: list[str] = []
    for location in locations:
        path = Path(location)
        name = safe_name(path.resolve().name if path.is_dir() else path.stem).lstrip('.')
        numbered = (f'{name or "source"}-{number}' for number in count(2))
        taken = {'', 'summary.json', *names}
        names.append(name if name not in taken else next(n for n in numbered if n not in taken))
    return names
