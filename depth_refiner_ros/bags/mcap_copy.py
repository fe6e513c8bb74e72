# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Copy an MCAP file with messages added.

Records are copied byte for byte, chunks without being inflated; only rosbag2's own description
and the index at the end are made anew. Added messages lie in chunks of their own, compressed like
the others, behind the chunk of their image; in a file without chunks, behind their image.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from depth_refiner_ros.bags.additions import Additions
from depth_refiner_ros.bags.mcap_file import Entries, index_content, index_of, McapFile
from depth_refiner_ros.bags.metadata import with_additions
from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.sources.ros import mcap_records as mcap
import yaml

CHUNK_BYTES = 4 * 2**20
"""A chunk of added messages is closed when it is at least this large."""
MOST_CHANNELS = 2**16 - 1
DESCRIPTION, DESCRIPTION_KEY = 'rosbag2', 'serialized_metadata'
OURS = 'depth_refiner'
"""Name of the metadata record that tells a copy from other files."""


def copy_mcap(
    source: Path, target: Path, additions: Additions, about: Mapping[str, str], *, bare: bool
) -> None:
    """
    Copy a complete MCAP file.

    :param target: an empty file
    :param about: texts that the copy holds about itself
    :param bare: whether its messages lie in no chunk
    :raises SourceError: if it has no room for more channels
    :raises: one of ``DAMAGED`` if a record cannot be read or messages are missing
    """
    with source.open('rb') as original, target.open('r+b') as file:
        _Copy(original, McapFile(file), additions, about, bare=bare).run()


def about_mcap(path: Path) -> dict[str, str] | None:
    """Return what a copy that was made here holds about itself, None for another file."""
    with path.open('rb') as file:
        places = [
            int.from_bytes(content[:8], 'little')
            for kind, content in _summary(file)
            if kind == mcap.METADATA_INDEX and mcap.text_at(content, 16)[0] == OURS
        ]
        if not places:
            return None
        file.seek(places[-1])  # those before it came with the source, itself a copy
        record = next((content for _, content in mcap.records_from(file)), b'')
    return mcap.texts_at(record, mcap.text_at(record, 0)[1])


class _Copy:
    def __init__(
        self,
        original: BinaryIO,
        copy: McapFile,
        additions: Additions,
        about: Mapping[str, str],
        *,
        bare: bool,
    ) -> None:
        self._original, self._copy, self._additions = original, copy, additions
        self._about, self._bare = about, bare
        self._chunk: bytes | None = None
        self._chunk_indexes: list[bytes] = []
        copy.schemas, copy.channels = _outline(original)
        self._images: dict[int, str] = {}
        self._declared: list[tuple[int, bytes]] = []
        self._numbers: list[int] = []
        self._declare()

    def _declare(self) -> None:
        """Give numbers to the added topics."""
        copy, topics = self._copy, self._additions.topics
        channels = {number: mcap.channel_of(copy.channels[number])[2] for number in copy.channels}
        self._images = {
            number: topic for number, topic in channels.items() if self._additions.is_image(topic)
        }
        schemas = {mcap.schema_of(content)[1]: number for number, content in copy.schemas.items()}
        first = max(channels, default=0) + 1
        next_schema = max(copy.schemas, default=0) + 1
        if first + len(topics) > MOST_CHANNELS or next_schema + len(topics) > MOST_CHANNELS:
            raise SourceError(f'{self._original.name} has no room for more channels')
        for number, topic in enumerate(topics, start=first):
            like = next(
                (image for image, name in self._images.items() if name == topic.image), None
            )
            self._numbers.append(number)
            if like is None:  # another file of the bag has its images
                continue
            if topic.kind not in schemas:
                schema = mcap.schema_content(next_schema, topic.kind, topic.definition)
                self._declared.append((mcap.SCHEMA, schema))
                schemas[topic.kind] = next_schema
                next_schema += 1
            metadata = mcap.channel_metadata(copy.channels[like])
            if 'topic_type_hash' in metadata:
                metadata['topic_type_hash'] = topic.digest
            channel = mcap.channel_content(number, schemas[topic.kind], topic.name, metadata)
            self._declared.append((mcap.CHANNEL, channel))

    def run(self) -> None:
        """Copy the whole file."""
        self._original.seek(len(mcap.MAGIC))
        records = mcap.records_from(self._original, whole=True)
        for kind, content in records:
            if kind == mcap.MESSAGE_INDEX and self._chunk is not None:
                self._chunk_indexes.append(content)
                continue
            self._end_chunk()
            if kind in (mcap.DATA_END, mcap.FOOTER):
                break
            if kind == mcap.CHUNK:
                self._chunk = content
            elif kind == mcap.METADATA:
                self._copy.add(kind, self._described(content))
            else:
                self._copy.add(kind, content)
                if kind == mcap.MESSAGE and self._bare:
                    self._add_behind(content)
        deque(records, maxlen=0)  # what looked like the end of the data must lead to the footer
        self._check_count()
        texts = mcap.texts(dict(self._about))
        self._copy.add(mcap.METADATA, mcap.text(OURS) + texts)
        self._copy.finish()

    def _check_count(self) -> None:
        """Make sure that all messages were found that the file counts in its summary."""
        counts, added = self._copy.counts, set(self._numbers)
        found = sum(count for channel, count in counts.items() if channel not in added)
        for kind, content in _summary(self._original):
            if kind == mcap.STATISTICS:
                counted = mcap.STATISTICS_BODY.unpack_from(content)[0]
                if found != counted:
                    raise ValueError(f'{found} of its {counted} messages were found')

    def _described(self, content: bytes) -> bytes:
        """Return a metadata record, that of rosbag2 with the added topics."""
        name, end = mcap.text_at(content, 0)
        if name != DESCRIPTION:
            return content
        texts = mcap.texts_at(content, end)
        try:
            texts[DESCRIPTION_KEY] = with_additions(texts[DESCRIPTION_KEY], self._additions)
        except (yaml.YAMLError, LookupError, TypeError, AttributeError):
            return content  # of a kind that is not known; readers take it for a hint
        return mcap.text(name) + mcap.texts(texts)

    def _end_chunk(self) -> None:
        """Write a chunk whose index is complete, and behind it what is added to it."""
        chunk, indexes = self._chunk, self._chunk_indexes
        if chunk is None:
            return
        self._chunk, self._chunk_indexes = None, []
        entries = dict(map(index_of, indexes)) if indexes else _entries_of(mcap.inflated(chunk))
        if not indexes:  # without them readers that go by the index would miss its messages
            indexes = [index_content(channel, found) for channel, found in entries.items()]
        self._copy.add_chunk([chunk], entries, indexes)
        images = sorted(
            (log_ns, start, topic)
            for channel, topic in self._images.items()
            for log_ns, start in entries.get(channel, [])
        )
        compression = mcap.text_at(chunk, mcap.CHUNK_HEAD.size)[0]
        for parts, found in self._added_chunks(images, compression):
            added = [index_content(channel, place) for channel, place in found.items()]
            self._copy.add_chunk(parts, found, added)

    def _added_chunks(
        self, images: list[tuple[int, int, str]], compression: str
    ) -> Iterator[tuple[list[bytes], dict[int, Entries]]]:
        """Yield the contents of chunks with the messages added to some images, and their index."""
        records, size, entries = list[bytes](), 0, dict[int, Entries]()
        first_ns = last_ns = 0
        for log_ns, _, topic in images:
            for index, message in self._additions.of(topic, log_ns):
                first_ns, last_ns = log_ns if not entries else first_ns, log_ns
                declaration, number = self._declaration(), self._numbers[index]
                entries.setdefault(number, []).append((log_ns, size + len(declaration)))
                head = mcap.MESSAGE_HEAD.pack(number, 0, log_ns, log_ns)
                length = mcap.RECORD_HEAD.pack(mcap.MESSAGE, len(head) + len(message))
                records += [declaration, length + head, message]
                size += sum(map(len, records[-3:]))
            if size >= CHUNK_BYTES:
                yield mcap.chunk_parts(first_ns, last_ns, b''.join(records), compression), entries
                records, size, entries = [], 0, {}
        if entries:
            yield mcap.chunk_parts(first_ns, last_ns, b''.join(records), compression), entries

    def _declaration(self) -> bytes:
        """Return the records of schemas and channels before the first added message, then none."""
        declared, self._declared = self._declared, []
        for kind, content in declared:
            kept = self._copy.schemas if kind == mcap.SCHEMA else self._copy.channels
            kept[int.from_bytes(content[:2], 'little')] = content
        return b''.join(mcap.record(*item) for item in declared)

    def _add_behind(self, image: bytes) -> None:
        channel, _, log_ns, _ = mcap.MESSAGE_HEAD.unpack_from(image)
        if channel not in self._images:
            return
        for index, message in self._additions.of(self._images[channel], log_ns):
            self._copy.write(self._declaration())
            head = mcap.MESSAGE_HEAD.pack(self._numbers[index], 0, log_ns, log_ns)
            self._copy.add(mcap.MESSAGE, head + message)


def has_chunks(path: Path) -> bool:
    """Whether the messages of an MCAP file lie in chunks."""
    with path.open('rb') as file:
        file.seek(len(mcap.MAGIC))
        kinds = (kind for kind, _ in mcap.records_from(file, whole=True))
        return next((kind for kind in kinds if kind in (mcap.CHUNK, mcap.MESSAGE)), 0) != (
            mcap.MESSAGE
        )


def _entries_of(records: bytes) -> dict[int, Entries]:
    entries: dict[int, Entries] = {}
    for kind, content, start in mcap.records_in(records):
        if kind == mcap.MESSAGE:
            channel, _, log_ns, _ = mcap.MESSAGE_HEAD.unpack_from(content)
            entries.setdefault(channel, []).append((log_ns, start))
    return entries


def _outline(file: BinaryIO) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Return the contents of all schemas and channels, by number."""
    found: dict[int, dict[int, bytes]] = {mcap.SCHEMA: {}, mcap.CHANNEL: {}}
    for records in (_summary, _all_records):
        for kind, content in records(file):
            if kind in found:
                found[kind].setdefault(int.from_bytes(content[:2], 'little'), content)
        if found[mcap.CHANNEL]:
            break
    return found[mcap.SCHEMA], found[mcap.CHANNEL]


def _summary(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    footer_size = mcap.RECORD_HEAD.size + mcap.FOOTER_BODY.size + len(mcap.MAGIC)
    file.seek(-footer_size, 2)
    start, _, _ = mcap.FOOTER_BODY.unpack_from(file.read(footer_size), mcap.RECORD_HEAD.size)
    if start:
        file.seek(start)
        for kind, content in mcap.records_from(file, whole=True):
            if kind == mcap.FOOTER:
                return
            yield kind, content


def _all_records(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    file.seek(len(mcap.MAGIC))
    for kind, content in mcap.records_from(file, whole=True):
        if kind == mcap.CHUNK:
            for inner, inner_content, _ in mcap.records_in(mcap.inflated(content)):
                yield inner, inner_content
        else:
            yield kind, content
