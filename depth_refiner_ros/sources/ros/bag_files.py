# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Open a bag in whatever state its recorder left it.

A recorder that is killed writes no ``metadata.yaml``, leaves messages in SQLite's write-ahead log
and ends an MCAP file in the middle. The bag is never written to: what cannot be read in place is
read from a temporary copy.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
from functools import cache
from pathlib import Path
import shutil
import sqlite3
import struct
import tempfile
from typing import Any
import weakref

import apsw
from backports import zstd
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.core.messages import not_parsed
from depth_refiner_ros.sources.ros.bag_paths import METADATA, PACKED, storage_files
from depth_refiner_ros.sources.ros.cut_mcap import salvaged_mcap
from depth_refiner_ros.sources.ros.mcap_records import is_complete_mcap
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import get_typestore, Stores, TypesysError
from rosbags.typesys.store import Typestore

ZSTD_START = b'\x28\xb5\x2f\xfd'
BROKEN = (
    *(AnyReaderError, ReaderError, TypesysError, apsw.Error, sqlite3.Error, zstd.ZstdError),
    *(struct.error, OSError, EOFError, ValueError, LookupError, MemoryError, OverflowError),
    *(TypeError, RuntimeError),  # the latter of lz4
)
"""What a damaged bag raises; a damaged length can ask for more memory than there is."""


class BagFiles:
    """
    The files of a bag.

    :param path: folder or storage file
    :param log: called with one line when the bag is damaged or incomplete
    """

    def __init__(self, path: Path, log: Callable[[str], None]) -> None:
        self.path, self._log = path, log
        self._readable: list[Path] | None = None
        self._copies: Path | None = None

    @contextmanager
    def reader(self) -> Iterator[AnyReader]:
        """
        Open the bag for reading.

        :raises SourceError: if the bag cannot be read
        """
        if not self.path.exists():
            raise SourceError(f'no bag {self.path}')
        with ExitStack() as stack:
            try:
                reader = stack.enter_context(_any_reader(self._paths()))
            except BROKEN as error:
                raise SourceError(unreadable(self.path, error)) from error
            yield reader

    def _paths(self) -> list[Path]:
        """Return what to read: the folder if its metadata is usable, else its storage files."""
        if self._readable is None:
            broken = self._unfit_metadata() if self.path.is_dir() else ''
            if self.path.is_dir() and not broken:
                self._readable = [self.path]
            else:
                storages = storage_files(self.path)
                if not storages:
                    raise ReaderError(broken or 'it contains no storage file')
                self._readable = [self._mended(storage) for storage in storages]
                if broken:
                    self._log(f'bag {self.path}: {broken}; reading its storage files directly')
        return self._readable

    def _unfit_metadata(self) -> str:
        """Return why a folder cannot be read by its ``metadata.yaml``, '' if it can."""
        if not (self.path / METADATA).is_file():
            return f'no {METADATA}, as if its recorder was killed (ros2 bag reindex writes it)'
        if any(was_cut(storage) for storage in storage_files(self.path)):
            return 'a storage file was not closed'
        try:
            with _any_reader([self.path]) as reader:
                return '' if reader.message_count else f'{METADATA} lists no message'
        except BROKEN as error:
            cause: BaseException | None = error
            while cause is not None and not hasattr(cause, 'problem_mark'):
                cause = cause.__cause__ or cause.__context__
            if isinstance(cause, Exception):
                return not_parsed(Path(METADATA), 'YAML', cause)
            return ' '.join(str(error).split()) or type(error).__name__

    def _mended(self, storage: Path) -> Path:
        """Return a storage file, or a copy of it that can be read."""
        if storage.suffix != PACKED and not was_cut(storage):
            return storage
        if self._copies is None:
            self._copies = Path(tempfile.mkdtemp(prefix='depth_refiner_bag_'))
            weakref.finalize(self, shutil.rmtree, self._copies, ignore_errors=True)
        folder = self._copies
        if storage.suffix == PACKED:
            unpacked = folder / storage.stem
            with zstd.open(storage, 'rb') as packed, unpacked.open('wb') as plain:
                shutil.copyfileobj(packed, plain)
            return self._mended(unpacked)
        if storage.suffix == '.mcap':
            salvaged, count = salvaged_mcap(storage, folder / f'{storage.stem}_salvaged')
            self._log(f'{storage} is incomplete; {count} of its messages can be read')
            return salvaged
        return _with_log_merged(storage, folder)


def was_cut(storage: Path) -> bool:
    """Whether the recorder was killed before it closed a storage file."""
    if storage.suffix == '.mcap':
        return not is_complete_mcap(storage)
    log = storage.with_name(storage.name + '-wal')
    return storage.suffix == '.db3' and log.is_file() and log.stat().st_size > 0


def decompressed(data: bytes) -> bytes:
    """Decompress a message whose compression is stated only in the missing metadata.yaml."""
    return zstd.decompress(data) if data[: len(ZSTD_START)] == ZSTD_START else data


def unreadable(path: Path, error: BaseException, fix: str = 'ros2 bag reindex') -> str:
    """Return one line with the reason why a bag cannot be read, and the fix, a command."""
    reason = ' '.join(str(error).split()) or type(error).__name__
    return f'bag {path} cannot be read: {reason:.200}; copy it again or try: {fix}'


def definition_fault(types: Typestore, kind: str) -> str:
    """
    Return what a bag's own definition of a usual message lacks, '' if it lacks nothing.

    :param types: of an open bag
    :param kind: message type; others than the usual ones lack nothing
    """
    usual = usual_types().fielddefs
    if kind not in usual:
        return ''
    own = {name for name, _ in types.fielddefs.get(kind, ([], []))[1]}
    for name, field in usual[kind][1]:
        if name not in own:
            return f'its definition of {kind} lacks {name}'
        node: Any = field[1][0] if field[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) else field
        if node[0] == Nodetype.NAME and (fault := definition_fault(types, node[1])):
            return fault
    return ''


def _any_reader(paths: list[Path]) -> AnyReader:
    return AnyReader(paths, default_typestore=usual_types())


@cache
def usual_types() -> Typestore:
    """Return the types of messages for bags that do not define them."""
    return get_typestore(Stores.LATEST)


def _with_log_merged(storage: Path, folder: Path) -> Path:
    """Return a copy of a database that holds what was still in its write-ahead log."""
    copy = folder / storage.name
    for suffix in ('', '-wal'):
        shutil.copyfile(storage.with_name(storage.name + suffix), folder / (copy.name + suffix))
    database = sqlite3.connect(copy)
    try:
        database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        database.execute('PRAGMA journal_mode=DELETE')
    finally:
        database.close()
    return copy
