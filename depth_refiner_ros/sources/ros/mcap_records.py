# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Records of MCAP files.

The format (mcap.dev/spec): a magic, then records of one byte for the kind, eight for the length
and the content; numbers are little-endian, texts have their length before them. Chunks contain
records themselves. The last records are an index, the summary.
"""

from collections.abc import Iterator
from pathlib import Path
import struct
from typing import BinaryIO
import zlib

from backports import zstd
import lz4.frame

MAGIC = b'\x89MCAP0\r\n'
HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK, MESSAGE_INDEX, CHUNK_INDEX = range(1, 9)
ATTACHMENT, ATTACHMENT_INDEX, STATISTICS, METADATA, METADATA_INDEX = range(9, 14)
SUMMARY_OFFSET, DATA_END = 14, 15
"""Kinds of records."""
RECORD_HEAD = struct.Struct('<BQ')
CHUNK_HEAD = struct.Struct('<QQQI')
"""First and last time, size when inflated, its CRC-32 or 0."""
MESSAGE_HEAD = struct.Struct('<HIQQ')
"""Channel, sequence, time of recording, time of publication."""
STATISTICS_BODY = struct.Struct('<QHIIIIQQI')
"""Number of messages first, size of the counts behind it last."""
FOOTER_BODY = struct.Struct('<QQI')
"""Start of the summary, of its offsets, its CRC-32 or 0; zeros mean that there is none."""
FASTEST = 1
"""Level of zstd, as of rosbag2; the usual 3 takes 3.5 times as long for 5 % fewer bytes."""
LONGEST = 2**31
"""Largest record of a cut file to read: a damaged length must not fill the memory."""

DAMAGED_CHUNK = (ValueError, zstd.ZstdError, RuntimeError)
"""What a damaged chunk raises; the last is lz4's."""


def is_complete_mcap(path: Path) -> bool:
    """Whether a file has the end that the format requires."""
    with path.open('rb') as file:
        if file.seek(0, 2) < 2 * len(MAGIC):
            return False
        file.seek(-len(MAGIC), 2)
        return file.read() == MAGIC


def records_from(file: BinaryIO, *, whole: bool = False) -> Iterator[tuple[int, bytes]]:
    """
    Yield kind and content of the records from the current position on, up to the footer or cut.

    Of a record that is cut only a chunk is of use.

    :param whole: whether the file must not be cut
    :raises ValueError: if it must not and the records do not lead to its end
    """
    start = file.tell()
    size = file.seek(0, 2)
    file.seek(start)
    while len(head := file.read(RECORD_HEAD.size)) == RECORD_HEAD.size:
        kind, length = RECORD_HEAD.unpack(head)
        left = size - start - RECORD_HEAD.size
        most = left if whole else min(left, LONGEST)
        if kind == 0 or length > most:
            if kind == CHUNK and not whole:
                yield kind, file.read(most)
            break
        yield kind, file.read(length)
        start += RECORD_HEAD.size + length
        if kind == FOOTER and (not whole or start == size - len(MAGIC)):
            return
    if whole:
        raise ValueError(f'there is no record at byte {start}')


def records_in(chunk: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Yield kind, content and start of the records of an inflated chunk, up to the cut."""
    start = 0
    while start + RECORD_HEAD.size <= len(chunk):
        kind, length = RECORD_HEAD.unpack_from(chunk, start)
        end = start + RECORD_HEAD.size + length
        if end > len(chunk):
            return
        yield kind, chunk[start + RECORD_HEAD.size : end], start
        start = end


def inflated(chunk: bytes) -> bytes:
    """
    Return the records of a chunk, up to the cut.

    :raises: one of ``DAMAGED_CHUNK`` if it is damaged
    """
    if len(chunk) < CHUNK_HEAD.size + 4:
        return b''
    compression, start = text_at(chunk, CHUNK_HEAD.size)
    data = chunk[start + 8 :]
    if compression == 'zstd':
        return zstd.ZstdDecompressor().decompress(data)
    if compression == 'lz4':
        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data))
    return data


def deflated(data: bytes, compression: str) -> bytes:
    """Return the records of a chunk as they are stored; an unknown compression is an error."""
    if compression == 'zstd':
        return zstd.compress(data, level=FASTEST)
    if compression == 'lz4':
        return bytes(lz4.frame.compress(data))
    if compression:
        raise ValueError(f'chunk compression {compression} is unknown')
    return data


def schema_of(content: bytes) -> tuple[int, str]:
    """Return number and name of a schema."""
    (number,) = struct.unpack_from('<H', content)
    return number, text_at(content, 2)[0]


def channel_of(content: bytes) -> tuple[int, int, str]:
    """Return number, number of the schema, and topic of a channel."""
    number, schema = struct.unpack_from('<HH', content)
    return number, schema, text_at(content, 4)[0]


def channel_metadata(content: bytes) -> dict[str, str]:
    """Return the metadata of a channel, such as ``offered_qos_profiles``."""
    start = text_at(content, 4)[1]
    return texts_at(content, text_at(content, start)[1])


def text_at(content: bytes, start: int) -> tuple[str, int]:
    """Return a text and the position of its end."""
    (length,) = struct.unpack_from('<I', content, start)
    end = start + 4 + length
    return content[start + 4 : end].decode(), end


def texts_at(content: bytes, start: int) -> dict[str, str]:
    """Return a map of texts."""
    (length,) = struct.unpack_from('<I', content, start)
    position, end = start + 4, start + 4 + length
    found = {}
    while position < end:
        name, position = text_at(content, position)
        found[name], position = text_at(content, position)
    return found


def record(kind: int, content: bytes) -> bytes:
    """Return a record as it is stored."""
    return RECORD_HEAD.pack(kind, len(content)) + content


def text(words: str) -> bytes:
    """Return a text as it is stored."""
    data = words.encode()
    return struct.pack('<I', len(data)) + data


def texts(words: dict[str, str]) -> bytes:
    """Return a map of texts as it is stored."""
    data = b''.join(text(name) + text(value) for name, value in words.items())
    return struct.pack('<I', len(data)) + data


def schema_content(number: int, name: str, definition: str) -> bytes:
    """Return the content of a schema record for a message in ROS' own language."""
    return struct.pack('<H', number) + text(name) + text('ros2msg') + text(definition)


def channel_content(number: int, schema: int, topic: str, metadata: dict[str, str]) -> bytes:
    """Return the content of a channel record."""
    return struct.pack('<HH', number, schema) + text(topic) + text('cdr') + texts(metadata)


def chunk_parts(first_ns: int, last_ns: int, records: bytes, compression: str) -> list[bytes]:
    """Return the content of a chunk record: what is before its records, and these."""
    data = deflated(records, compression)
    head = CHUNK_HEAD.pack(first_ns, last_ns, len(records), zlib.crc32(records))
    return [head + text(compression) + struct.pack('<Q', len(data)), data]
