# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What backends build from a network, kept on disk: ONNX files, engines, timings.

An entry is a folder named by everything it depends on; it appears as a whole or not at all, and is
only ever handed out after its facts and the hash of each file agree with its manifest.
"""

from collections.abc import Callable, Mapping
import hashlib
import json
import os
from pathlib import Path
import shutil
from typing import Any

from depth_refiner_ros.backends.base import Log, silent
from depth_refiner_ros.core.atomic import staged_folder, write_atomic
from depth_refiner_ros.core.errors import BackendError, OutputError
from depth_refiner_ros.models.bundle import sha256

Facts = Mapping[str, Any]
MANIFEST = 'entry.json'


def default_folder() -> Path:
    """Return the place where programs of this user keep what they can make again."""
    root = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(root).expanduser() / 'depth_refiner_ros'


class EngineCache:
    """
    Entries by their facts.

    :param folder: made where missing
    :param log: hears why something is built again
    """

    def __init__(self, folder: Path | None = None, log: Log = silent) -> None:
        self.folder = folder or default_folder()
        self.rebuilt = 0
        """Entries that were there and could not be used."""
        self.used: list[Path] = []
        """Entries that were asked for."""
        self._log = log

    def entry(self, name: str, facts: Facts, build: Callable[[Path], None]) -> Path:
        """
        Return the folder of an entry, building it where there is none that fits.

        :param name: short, for people who look into the folder
        :param facts: everything the content depends on, as JSON can hold it
        :param build: writes the content into an empty folder
        :raises BackendError: where the folder cannot be written
        """
        place = self.path(name, facts)
        if place not in self.used:
            self.used.append(place)
        if place.exists():
            wrong = _fault(place, facts)
            if not wrong:
                return place
            self.drop(name, facts, wrong)
        try:
            # Where another process was faster, its work is as good.
            with staged_folder(place, replace=False) as staging:
                build(staging)
                hashes = {path.name: sha256(path) for path in sorted(staging.iterdir())}
                (staging / MANIFEST).write_text(
                    json.dumps({'facts': facts, 'sha256': hashes}, indent=1) + '\n'
                )
        except OutputError as error:
            raise BackendError(f'engine cache: {error}; option engine_cache names it') from error
        return place

    def path(self, name: str, facts: Facts) -> Path:
        """Return where an entry of these facts is or would be."""
        text = json.dumps(facts, sort_keys=True)
        return self.folder / f'{name}-{hashlib.sha256(text.encode()).hexdigest()[:20]}'

    def drop(self, name: str, facts: Facts, why: str) -> None:
        """Take out an entry that cannot be used, and say so."""
        place = self.path(name, facts)
        self.rebuilt += 1
        self._log(f'{place} is built again: {why}')
        shutil.rmtree(place, ignore_errors=True)

    def read(self, file: str) -> bytes:
        """Return a loose file that may help, empty where there is none."""
        path = self.folder / file
        return path.read_bytes() if path.is_file() else b''

    def write(self, file: str, content: bytes) -> None:
        """Replace a loose file as a whole."""
        write_atomic(self.folder / file, [content], durable=False)


def _fault(place: Path, facts: Facts) -> str:
    """Say what is wrong with an entry, nothing where it is sound."""
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
