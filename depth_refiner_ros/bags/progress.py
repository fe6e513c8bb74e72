# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A file of finished work that survives its process, so that the next run continues.

It grows by whole records with checksums. What a killed run or a power cut left of its last record
is dropped on opening.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import errno
import json
import os
from pathlib import Path
import struct
from typing import Any, BinaryIO
import zlib

from depth_refiner_ros.core.atomic import make_folder, output_errors

HEAD = struct.Struct('<4sIQI')
"""Mark, bytes of JSON, bytes of data, CRC-32 of both."""
MARK = b'DRP1'
LONGEST = 2**33
"""Largest record to read: a damaged length must not fill the memory."""

Bytes = bytes | memoryview
Key = tuple[int, int, int]
"""Camera, time of recording in ns, and how many images of that camera before have that time."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """
    A finished frame.

    :param info: what is to be known about it, of values that JSON has
    :param start: of its data in the file
    :param sizes: of its messages in bytes, one after the other
    """

    info: dict[str, Any]
    start: int
    sizes: tuple[int, ...]


class Progress:
    """
    The finished frames of a run; the file is kept until :meth:`remove`.

    :param path: created if missing
    :param run: what the frames depend on, of values that JSON has; a file of another run is
        emptied
    :raises OutputError: if it cannot be read or written
    """

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        self.path, self.kept = path, dict[Key, Kept]()
        self.dropped_run: dict[str, Any] | None = None
        """What the frames of another run depended on that were dropped."""
        make_folder(path.parent)
        with output_errors(path):
            self._file: BinaryIO = open(path, 'a+b', buffering=0)  # noqa: SIM115
        with output_errors(path):
            self._load(json.loads(json.dumps(run)))

    def _load(self, run: dict[str, Any]) -> None:
        self._file.seek(0)
        end, found = 0, self._next()
        if found is not None and found[0] == run:
            end = self._file.tell()
            while (found := self._next()) is not None:
                info, start, sizes = found[0], found[1], tuple(found[0].pop('sizes'))
                camera, log_ns, nth = info.pop('key')
                self.kept[camera, log_ns, nth] = Kept(info=info, start=start, sizes=sizes)
                end = self._file.tell()
        elif found is not None:
            self.dropped_run = found[0]
        os.ftruncate(self._file.fileno(), end)
        if end == 0:
            self._append(run, ())

    def _next(self) -> tuple[dict[str, Any], int] | None:
        """Return the JSON of the next record and the start of its data, None at the end."""
        head = self._file.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        mark, json_bytes, data_bytes, crc = HEAD.unpack(head)
        if mark != MARK or json_bytes + data_bytes > LONGEST:
            return None
        words = self._read(json_bytes)
        start = self._file.tell()
        data = self._read(data_bytes)
        if len(data) < data_bytes or zlib.crc32(data, zlib.crc32(words)) != crc:
            return None
        return json.loads(words), start

    def _read(self, size: int) -> bytes:
        parts = []
        while size > 0 and (part := self._file.read(size)):
            parts.append(part)
            size -= len(part)
        return b''.join(parts)

    def add(self, key: Key, info: Mapping[str, Any], messages: Sequence[Bytes] = ()) -> None:
        """
        Keep a frame and its messages.

        :raises OutputError: if the disk is full; then the frames before it are still kept
        """
        sizes = tuple(map(len, messages))
        with output_errors(self.path):
            start = self._append({**info, 'key': key, 'sizes': sizes}, messages)
        self.kept[key] = Kept(info=dict(info), start=start, sizes=sizes)

    def _append(self, info: Mapping[str, Any], messages: Sequence[Bytes]) -> int:
        """Append a record and return the start of its data."""
        words = json.dumps(info).encode()
        crc = zlib.crc32(words)
        for message in messages:
            crc = zlib.crc32(message, crc)
        head = HEAD.pack(MARK, len(words), sum(map(len, messages)), crc)
        before = self._file.seek(0, os.SEEK_END)
        try:
            for part in (head + words, *messages):
                self._write(part)
        except BaseException:
            os.ftruncate(self._file.fileno(), before)
            raise
        return before + len(head) + len(words)

    def _write(self, part: Bytes) -> None:
        left = memoryview(part)
        while left:
            written = self._file.write(left)
            if not written:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            left = left[written:]

    def messages(self, kept: Kept) -> list[bytes]:
        """Return the messages of a frame."""
        self._file.seek(kept.start)
        return [self._read(size) for size in kept.sizes]

    def close(self) -> None:
        """Close the file, which stays."""
        self._file.close()

    def remove(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
