# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Write MCAP records and, at the end, the index of all of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
import struct
from typing import BinaryIO
import zlib

from depth_refiner_ros.sources.ros import mcap_records as mcap

Entries = list[tuple[int, int]]
"""Time of recording and start in the inflated chunk, of the messages of one channel."""


class McapFile:
    """
    An MCAP file that is written from its start.

    :param file: empty
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._crc, self.position = file, 0, 0
        self.schemas: dict[int, bytes] = {}
        self.channels: dict[int, bytes] = {}
        self._indexes: dict[int, list[bytes]] = {
            kind: [] for kind in (mcap.CHUNK_INDEX, mcap.ATTACHMENT_INDEX, mcap.METADATA_INDEX)
        }
        self.counts: Counter[int] = Counter()
        """Messages of each channel so far."""
        self._first_ns, self._last_ns = 2**63 - 1, 0
        self.write(mcap.MAGIC)

    def write(self, *parts: bytes) -> None:
        """Write bytes as they are."""
        for part in parts:
            self._file.write(part)
            self._crc = zlib.crc32(part, self._crc)
            self.position += len(part)

    def add(self, kind: int, content: bytes) -> None:
        """Write a record, and index it unless it is a chunk, which :meth:`add_chunk` writes."""
        start = self.position
        self.write(mcap.RECORD_HEAD.pack(kind, len(content)), content)
        length = self.position - start
        if kind == mcap.SCHEMA:
            self.schemas.setdefault(mcap.schema_of(content)[0], content)
        elif kind == mcap.CHANNEL:
            self.channels.setdefault(mcap.channel_of(content)[0], content)
        elif kind == mcap.MESSAGE:
            channel, _, log_ns, _ = mcap.MESSAGE_HEAD.unpack_from(content)
            self._count(channel, [(log_ns, start)])
        elif kind == mcap.METADATA:
            name = mcap.text_at(content, 0)[0]
            entry = struct.pack('<QQ', start, length) + mcap.text(name)
            self._indexes[mcap.METADATA_INDEX].append(entry)
        elif kind == mcap.ATTACHMENT:
            self._indexes[mcap.ATTACHMENT_INDEX].append(_attachment(content, start, length))

    def add_chunk(
        self, parts: Sequence[bytes], entries: Mapping[int, Entries], indexes: Sequence[bytes]
    ) -> None:
        """
        Write a chunk and the records behind it that index it.

        :param parts: of its content; the first has at least all that is before its records
        :param entries: of each channel
        :param indexes: of each channel, contents of the records
        """
        start, content = self.position, parts[0]
        self.write(mcap.RECORD_HEAD.pack(mcap.CHUNK, sum(map(len, parts))), *parts)
        length, offsets = self.position - start, b''
        for index in indexes:
            offsets += index[:2] + struct.pack('<Q', self.position)
            self.write(mcap.record(mcap.MESSAGE_INDEX, index))
        for channel, found in entries.items():
            self._count(channel, found)
        first_ns, last_ns, size, _ = mcap.CHUNK_HEAD.unpack_from(content)
        compression, end = mcap.text_at(content, mcap.CHUNK_HEAD.size)
        (compressed,) = struct.unpack_from('<Q', content, end)
        self._indexes[mcap.CHUNK_INDEX].append(
            struct.pack('<QQQQI', first_ns, last_ns, start, length, len(offsets))
            + offsets
            + struct.pack('<Q', self.position - start - length)
            + mcap.text(compression)
            + struct.pack('<QQ', compressed, size)
        )

    def _count(self, channel: int, entries: Entries) -> None:
        self.counts[channel] += len(entries)
        for log_ns, _ in entries:
            self._first_ns, self._last_ns = min(self._first_ns, log_ns), max(self._last_ns, log_ns)

    def finish(self) -> None:
        """Write the end of the data, the summary and the footer."""
        self.write(mcap.record(mcap.DATA_END, struct.pack('<I', self._crc)))
        self._crc, start, offsets = 0, self.position, b''
        groups = {
            mcap.SCHEMA: list(self.schemas.values()),
            mcap.CHANNEL: list(self.channels.values()),
            mcap.STATISTICS: [self._statistics()],
            **self._indexes,
        }
        for kind, contents in groups.items():
            group_start = self.position
            for content in contents:
                self.write(mcap.record(kind, content))
            if contents:
                place = struct.pack('<BQQ', kind, group_start, self.position - group_start)
                offsets += mcap.record(mcap.SUMMARY_OFFSET, place)
        offsets_start = self.position
        self.write(offsets)
        footer = mcap.record(mcap.FOOTER, mcap.FOOTER_BODY.pack(start, offsets_start, 0))
        self.write(footer[:-4])
        self.write(struct.pack('<I', self._crc))
        self.write(mcap.MAGIC)

    def _statistics(self) -> bytes:
        counts = b''.join(
            struct.pack('<HQ', channel, self.counts[channel]) for channel in sorted(self.channels)
        )
        return (
            mcap.STATISTICS_BODY.pack(
                self.counts.total(),
                len(self.schemas),
                len(self.channels),
                len(self._indexes[mcap.ATTACHMENT_INDEX]),
                len(self._indexes[mcap.METADATA_INDEX]),
                len(self._indexes[mcap.CHUNK_INDEX]),
                self._first_ns if self.counts else 0,
                self._last_ns,
                len(counts),
            )
            + counts
        )


def index_content(channel: int, entries: Entries) -> bytes:
    """Return the content of a record that indexes the messages of a channel in a chunk."""
    data = b''.join(struct.pack('<QQ', *entry) for entry in entries)
    return struct.pack('<HI', channel, len(data)) + data


def index_of(content: bytes) -> tuple[int, Entries]:
    """Return channel and entries of such a record."""
    channel, length = struct.unpack_from('<HI', content)
    return channel, list(struct.iter_unpack('<QQ', content[6 : 6 + length]))


def _attachment(content: bytes, start: int, length: int) -> bytes:
    """Return the content of the record that indexes an attachment."""
    name, end = mcap.text_at(content, 16)
    media_type, end = mcap.text_at(content, end)
    place = struct.pack('<QQ', start, length)
    return place + content[:16] + content[end : end + 8] + mcap.text(name) + mcap.text(media_type)
