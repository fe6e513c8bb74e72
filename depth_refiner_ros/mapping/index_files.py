# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The index files of a recording: one line per frame, written together with the frame."""

from pathlib import Path

from depth_refiner_ros.core.atomic import output_errors, sync
from depth_refiner_ros.core.errors import OutputError
from depth_refiner_ros.core.line_file import LineFile
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.mapping.trajectory import HEADER, tum_line
import numpy as np

HEAD = '# timestamp filename\n'


class IndexFiles:
    """
    ``rgb.txt``, ``depth.txt`` and, from the first pose on, ``groundtruth.txt``.

    :param folder: of the recording
    :param identities: until the first pose, note the identity as each frame's in ``pose.txt``, as
        MonoGS needs a pose per frame, but uses only the first
    :raises OutputError: if they cannot be written
    """

    def __init__(self, folder: Path, *, identities: bool = False) -> None:
        self._folder = folder
        self._lists = {name: LineFile(folder / f'{name}.txt', HEAD) for name in ('rgb', 'depth')}
        self._poses: LineFile | None = None
        self._identities = LineFile(folder / 'pose.txt', HEADER) if identities else None
        self._unsynced: list[Path] = []

    def add(self, stamp_ns: int, pose: np.ndarray | None) -> None:
        """
        Append a frame, whose images are already written, to all lists or to none.

        :param pose: 4 x 4, None if unknown
        :raises OutputError: if the disk is full
        """
        if pose is not None and self._poses is None:
            self._poses = LineFile(self._folder / 'groundtruth.txt', HEADER)
        lines = [
            (file, f'{stamp_text(stamp_ns)} {picture(part, stamp_ns)}')
            for part, file in self._lists.items()
        ]
        poses = self._poses or self._identities
        if poses and (pose is not None or self._poses is None):
            line = tum_line(stamp_ns, np.eye(4) if pose is None else pose)
            lines.append((poses, line.rstrip('\n')))
        sizes = [file.size for file, _ in lines]
        try:
            for file, line in lines:
                file.add(line)
        except OutputError:
            for (file, _), size in zip(lines, sizes):
                file.drop_after(size)
            raise
        self._unsynced += [self._folder / picture(part, stamp_ns) for part in self._lists]

    def sync(self) -> None:
        """
        Wait until all images, then the lists of them, are on the disk.

        :raises OutputError: if they cannot be stored
        """
        with output_errors(self._folder / 'rgb'):
            for path in (*self._unsynced, *(self._folder / part for part in self._lists)):
                sync(path)
        self._unsynced = []
        for file in self._files():
            file.sync()

    def close(self) -> None:
        """Close the files."""
        for file in self._files():
            file.close()

    def _files(self) -> list[LineFile]:
        return [*self._lists.values(), *filter(None, (self._identities, self._poses))]


def picture(part: str, stamp_ns: int) -> str:
    """Return the file name of a frame's image in the folder ``rgb`` or ``depth``."""
    return f'{part}/{stamp_text(stamp_ns)}.png'
