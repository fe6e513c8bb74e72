# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Cache on disk of what backends build from a network: ONNX files, engines, timings.

An entry is a folder named by everything it depends on. It appears completely or not at all, and
is returned only if its facts and the hash of each file agree with its manifest.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
import hashlib
import json
import math
import os
from pathlib import Path
import shutil
import time
from typing import Any

from depth_refiner_ros.backends.base import Log, silent
from depth_refiner_ros.core.atomic import staged_folder, write_atomic
from depth_refiner_ros.core.errors import BackendError, OutputError
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.models.bundle import sha256

Facts = Mapping[str, Any]
MANIFEST, HASH = 'entry.json', 20
UNUSED_DAYS = 60
"""An entry that no process used for so long is removed when another one is built."""


def default_folder() -> Path:
    """Return the cache folder of this user."""
    root = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return user_path(root) / 'depth_refiner_ros'


class CacheError(BackendError):
    """An entry cannot be written: no such place, no permission, or a full disk."""


class EngineCache:
    """
    Entries by their facts.

    :param folder: created if missing
    :param log: called with the reason why something is built again
    """

    def __init__(self, folder: Path | None = None, log: Log = silent) -> None:
        self.folder = folder or default_folder()
        self.rebuilt = 0
        """Number of entries that existed and could not be used."""
        self.used: list[Path] = []
        """Number of entries requested."""
        self._log = log

    def entry(self, name: str, facts: Facts, build: Callable[[Path], None]) -> Path:
        """
        Return the folder of an entry, building it if there is none that fits.

        :param name: short, for people who look into the folder
        :param facts: everything the content depends on, as JSON can hold it
        :param build: writes the content into an empty folder
        :raises CacheError: if the folder cannot be written
        """
        place = self.path(name, facts)
        if place not in self.used:
            self.used.append(place)
        if self._has(place):
            wrong = _fault(place, facts)
            if not wrong:
                _touch(place / MANIFEST)
                return place
            self.drop(name, facts, wrong)
        try:
            # If another process was faster, its result is used.
            with staged_folder(place, replace=False) as staging:
                build(staging)
                hashes = {path.name: sha256(path) for path in sorted(staging.iterdir())}
                (staging / MANIFEST).write_text(
                    json.dumps({'facts': facts, 'sha256': hashes}, indent=1) + '\n'
                )
        except OutputError as error:
            raise CacheError(
                f'engine cache: {error}; set another folder in option engine_cache'
            ) from error
        self._remove_unused()
        return place

    def _has(self, place: Path) -> bool:
        try:
            return place.exists()
        except OSError as error:
            raise CacheError(
                f'engine cache: cannot read {place}: {error.strerror}; set another folder in '
                'option engine_cache'
            ) from error

    def path(self, name: str, facts: Facts) -> Path:
        """Return the path of the entry of these facts, which may not exist."""
        text = json.dumps(facts, sort_keys=True)
        return self.folder / f'{name}-{hashlib.sha256(text.encode()).hexdigest()[:HASH]}'

    def drop(self, name: str, facts: Facts, why: str) -> None:
        """Remove an entry that cannot be used, and log why."""
        place = self.path(name, facts)
        self.rebuilt += 1
        self._log(f'{place} is built again: {why}')
        shutil.rmtree(place, ignore_errors=True)

    def _remove_unused(self) -> None:
        before_s = time.time() - UNUSED_DAYS * 86400.0
        for manifest in self.folder.glob(f'*-{"[0-9a-f]" * HASH}/{MANIFEST}'):
            if manifest.parent not in self.used and _used_s(manifest) < before_s:
                self._log(f'{manifest.parent} is removed: unused for {UNUSED_DAYS} days')
                shutil.rmtree(manifest.parent, ignore_errors=True)

    def read(self, file: str) -> bytes:
        """Return a file outside of entries, such as timings; empty if there is none."""
        path = self.folder / file
        return path.read_bytes() if path.is_file() else b''

    def write(self, file: str, content: bytes) -> None:
        """Replace a file outside of entries atomically."""
        write_atomic(self.folder / file, [content], durable=False)


def _touch(manifest: Path) -> None:
    """Note that an entry is used; a cache that is only read keeps no note."""
    with suppress(OSError):
        os.utime(manifest)


def _used_s(manifest: Path) -> float:
    """Return when an entry was last used; infinity if another process has removed it."""
    try:
        return manifest.stat().st_mtime
    except OSError:
        return math.inf


def _fault(place: Path, facts: Facts) -> str:
    """Return what is wrong with an entry, empty if it is sound."""
    try:
        manifest = json.loads((place / MANIFEST).read_text())
        if manifest['facts'] != json.loads(json.dumps(facts)):
            return 'it was built for something else'
        for name, expected in manifest['sha256'].items():
            if sha256(place / name) != expected:
                return f'{name} differs from its hash (truncated or changed)'
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 'it is incomplete'
    return ''
