# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Copy a bag, one storage file or a folder of them, with topics added."""

from collections.abc import Mapping
from pathlib import Path
import struct

from depth_refiner_ros.bags.additions import Additions
from depth_refiner_ros.bags.mcap_copy import about_mcap, copy_mcap, has_chunks
from depth_refiner_ros.bags.metadata import with_additions
from depth_refiner_ros.bags.sqlite_copy import about_sqlite, copy_sqlite
from depth_refiner_ros.core.atomic import staged_file, staged_folder, write_text
from depth_refiner_ros.core.errors import OutputError, SourceError
from depth_refiner_ros.core.messages import not_parsed
from depth_refiner_ros.core.places import exists
from depth_refiner_ros.sources.ros.bag_files import unreadable
from depth_refiner_ros.sources.ros.bag_paths import METADATA, PACKED, storage_files
from depth_refiner_ros.sources.ros.mcap_records import DAMAGED_CHUNK, is_complete_mcap, MAGIC
import yaml

MCAP, SQLITE = '.mcap', '.db3'
DAMAGED = (*DAMAGED_CHUNK, struct.error, LookupError)
"""What reading records of a damaged MCAP file raises; the system's errors are those of writing."""


class BagCopy:
    """
    A bag and the place of its copy.

    :param source: a storage file, or a folder with ``metadata.yaml``
    :param out: a storage file, or a folder if the source is one
    :raises SourceError: if a bag of this kind or state is not copied
    :raises OutputError: if the place is not one for a copy of it
    """

    def __init__(self, source: Path, out: Path) -> None:
        self.source, self.out = source, out
        self._storages = storage_files(source)
        self._into_file = out.suffix.lower() in (MCAP, SQLITE)
        self._check_source()
        self._check_out()
        self.packed = _compression(source) == 'message'
        """Whether each message of the bag is compressed."""
        self._check_storages()

    def _check_source(self) -> None:
        source, out = self.source, self.out
        suffixes = {storage.suffix.lower() for storage in self._storages}
        if source.is_file() and not self._into_file:
            raise OutputError(
                f'{source} is one file, and so is its copy: end --out {out} in {source.suffix}'
            )
        if self._into_file and len(self._storages) > 1:
            raise OutputError(
                f'the bag {source} has {len(self._storages)} storage files, and its copy is a '
                f'folder like it: --bag --out {out.with_suffix("")}'
            )
        if self._into_file and suffixes != {out.suffix.lower()}:
            held = ' and '.join(sorted(suffixes))
            raise OutputError(f'{source} is stored as {held}, and so is its copy: not {out.name}')
        if source.is_dir() and not self._into_file and not (source / METADATA).is_file():
            raise SourceError(
                f'the bag {source} has no {METADATA}, as if its recorder was killed; run ros2 bag '
                f'reindex, or copy its storage alone: --out NAME{self._storages[0].suffix}'
            )

    def _check_out(self) -> None:
        source, out = self.source.resolve(), self.out.resolve()
        if out == source or out.is_relative_to(source) or source.is_relative_to(out):
            raise OutputError(
                f'the copy {self.out} would lie in the bag {self.source}, or over it; choose '
                'another place'
            )
        if not exists(out):
            return
        if out.is_dir() == self._into_file or not self._is_ours():
            raise OutputError(
                f'{self.out} exists and is no copy that was made here; remove it, or choose '
                'another place'
            )

    def _is_ours(self) -> bool:
        return all(_about(path) is not None for path in self._there())

    def _there(self) -> list[Path]:
        """Return the files in the place of the copy, without the description of a folder."""
        if not self.out.is_dir():
            return [self.out] if self.out.exists() else []
        return sorted(path for path in self.out.iterdir() if path.name != METADATA)

    def about(self) -> dict[str, str]:
        """Return what the copy that is there holds about itself, nothing if there is none."""
        names = self._there()
        return (_about(names[0]) if names else None) or {}

    def _check_storages(self) -> None:
        if self.packed and self._into_file:
            raise OutputError(
                f'the messages of {self.source} are compressed, which only its {METADATA} tells; '
                f'copy the whole folder: --bag --out {self.out.with_suffix("")}'
            )
        for storage in self._storages:
            if storage.suffix == PACKED:
                raise SourceError(
                    f'{storage} is compressed as a whole; unpack it with ros2 bag convert'
                )
            if storage.suffix.lower() == MCAP and not is_complete_mcap(storage):
                raise SourceError(
                    f'{storage} is incomplete, as if its recorder was killed, and a copy would '
                    'not be the same; mend it with: mcap recover'
                )

    def write(self, additions: Additions, about: Mapping[str, str]) -> None:
        """
        Write the copy; it appears as a whole or not at all.

        :param about: texts that each storage file of the copy holds about itself
        :raises OutputError: if it cannot be written; what was in its place stays
        :raises SourceError: if the bag has changed since it was read
        """
        if self._into_file:
            with staged_file(self.out) as part:
                self._copy(self._storages[0], part, additions, about)
                additions.check_complete(str(self.source))
            return
        with staged_folder(self.out) as folder:
            added_to: dict[str, int] = {}
            for storage in self._storages:
                before = additions.handed_out
                target = folder / storage.name
                target.touch()
                self._copy(storage, target, additions, about)
                added_to[storage.name] = additions.handed_out - before
            additions.check_complete(str(self.source))
            text = (self.source / METADATA).read_text(encoding='utf-8')
            write_text(folder / METADATA, with_additions(text, additions, added_to))

    def _copy(
        self, storage: Path, part: Path, additions: Additions, about: Mapping[str, str]
    ) -> None:
        if storage.suffix.lower() != MCAP:
            copy_sqlite(storage, part, additions, about)
            return
        try:
            copy_mcap(storage, part, additions, about, bare=not has_chunks(storage))
        except DAMAGED as error:
            raise SourceError(unreadable(storage, error, 'mcap recover')) from error


def _about(path: Path) -> dict[str, str] | None:
    """Return what a copy holds about itself, None for a file that is none."""
    if not path.is_file():
        return None
    with path.open('rb') as file:
        is_mcap = file.read(len(MAGIC)) == MAGIC
    if not is_mcap:
        return about_sqlite(path)
    try:
        # A recording that was cut has no summary, where a copy says what it is.
        return about_mcap(path) if is_complete_mcap(path) else None
    except (*DAMAGED, OSError):
        return None


def _compression(bag: Path) -> str:
    """
    Return whether a bag compresses each ``message``, each ``file`` or nothing ('').

    :raises SourceError: if its metadata cannot be read
    """
    path = bag / METADATA
    if not path.is_file():
        return ''
    try:
        whole = yaml.safe_load(path.read_text(encoding='utf-8'))
        return str(whole['rosbag2_bagfile_information'].get('compression_mode') or '').lower()
    except yaml.YAMLError as error:
        raise SourceError(not_parsed(path, 'YAML', error)) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise SourceError(f'{path} cannot be read: {error}; run ros2 bag reindex') from error
