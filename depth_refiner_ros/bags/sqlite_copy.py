# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Copy a bag's SQLite database with messages added.

The database is copied as it is, and rows are added behind those that it has; an added message has
the time of its image and a larger number, so that readers meet it behind the image.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
import shutil
import sqlite3

from depth_refiner_ros.bags.additions import AddedTopic, Additions
from depth_refiner_ros.bags.metadata import with_additions
from depth_refiner_ros.core.errors import OutputError
import yaml

OURS = 'depth_refiner'
"""Name of the table that tells a copy from other databases."""
LOG = '-wal'
"""Suffix of the log that a killed recorder leaves beside a database."""


def copy_sqlite(
    source: Path, target: Path, additions: Additions, about: Mapping[str, str]
) -> None:
    """
    Copy a database.

    :param target: an empty file
    :param about: texts that the copy holds about itself
    :raises OutputError: if it cannot be written
    """
    log = Path(f'{target}{LOG}')
    try:
        _copy(source, target)
        if Path(f'{source}{LOG}').is_file():
            _copy(Path(f'{source}{LOG}'), log)
        with closing(sqlite3.connect(target, isolation_level=None)) as database:
            # The copy has another name until it is complete, so it needs no journal of its own.
            for words in ('journal_mode=DELETE', 'journal_mode=OFF', 'synchronous=OFF'):
                database.execute(f'PRAGMA {words}')
            database.execute('BEGIN')
            _Copy(database, additions).run()
            database.execute(f'DROP TABLE IF EXISTS {OURS}')
            database.execute(f'CREATE TABLE {OURS}(name TEXT PRIMARY KEY, value TEXT)')
            database.executemany(f'INSERT INTO {OURS} VALUES(?, ?)', about.items())
            database.execute('COMMIT')
    except sqlite3.Error as error:
        raise OutputError(
            f'cannot write {target.parent}, a copy of {source}: {error}; free some space, or '
            'choose another place'
        ) from error
    finally:
        for suffix in (LOG, '-shm'):
            Path(f'{target}{suffix}').unlink(missing_ok=True)


def about_sqlite(path: Path) -> dict[str, str] | None:
    """Return what a copy that was made here holds about itself, None for another file."""
    try:
        with closing(sqlite3.connect(f'{path.absolute().as_uri()}?immutable=1', uri=True)) as bag:
            return dict(bag.execute(f'SELECT name, value FROM {OURS}'))
    except sqlite3.Error:
        return None


class _Copy:
    def __init__(self, database: sqlite3.Connection, additions: Additions) -> None:
        self._database, self._additions = database, additions

    def run(self) -> None:
        """Add topics and messages."""
        columns = [row[1] for row in self._database.execute('PRAGMA table_info(topics)')]
        rows = self._database.execute(f'SELECT {", ".join(columns)} FROM topics').fetchall()
        topics = [dict(zip(columns, row)) for row in rows]
        images = {
            row['id']: row['name'] for row in topics if self._additions.is_image(row['name'])
        }
        messages = self._database.execute(
            'SELECT timestamp, topic_id FROM messages '
            f'WHERE topic_id IN ({", ".join(map(str, images))}) ORDER BY timestamp, id'
        ).fetchall()
        numbers = {}
        next_number = max((row['id'] for row in topics), default=0) + 1
        for index, topic in enumerate(self._additions.topics):
            like = next((row for row in topics if row['name'] == topic.image), None)
            if like is not None:  # else another file of the bag has its images
                numbers[index] = next_number
                self._add_topic(topic, {**like, 'id': next_number})
                next_number += 1
        for log_ns, image in messages:
            for index, message in self._additions.of(images[image], log_ns):
                self._database.execute(
                    'INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)',
                    (numbers[index], log_ns, message),
                )
        if 'metadata' in _tables(self._database):
            self._describe()

    def _add_topic(self, topic: AddedTopic, row: dict[str, object]) -> None:
        """Add a topic, like that of its image, and the definition of its type."""
        row |= {'name': topic.name, 'type': topic.kind}
        if 'type_description_hash' in row:
            row['type_description_hash'] = topic.digest
        self._database.execute(
            f'INSERT INTO topics({", ".join(row)}) VALUES({", ".join("?" * len(row))})',
            tuple(row.values()),
        )
        if 'message_definitions' in _tables(self._database):
            self._database.execute(
                'INSERT INTO message_definitions(topic_type, encoding, '
                'encoded_message_definition, type_description_hash) SELECT ?, ?, ?, ? WHERE NOT '
                'EXISTS (SELECT 1 FROM message_definitions WHERE topic_type = ?)',
                (topic.kind, 'ros2msg', topic.definition, topic.digest, topic.kind),
            )

    def _describe(self) -> None:
        """Add the topics to rosbag2's own description."""
        for number, text in self._database.execute('SELECT id, metadata FROM metadata').fetchall():
            try:
                described = with_additions(text, self._additions)
            except (yaml.YAMLError, LookupError, TypeError, AttributeError):
                continue  # of a kind that is not known; readers take it for a hint
            self._database.execute(
                'UPDATE metadata SET metadata = ? WHERE id = ?', (described, number)
            )


def _tables(database: sqlite3.Connection) -> set[str]:
    rows = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}


def _copy(source: Path, target: Path) -> None:
    """Copy a file; other than those of shutil's own, errors name no file and so the output's."""
    with source.open('rb') as original, target.open('wb') as copy:
        shutil.copyfileobj(original, copy, 2**20)
