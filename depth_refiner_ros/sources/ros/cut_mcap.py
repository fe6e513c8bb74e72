# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the messages of an MCAP file without an end, as a killed recorder leaves it.

The format (mcap.dev/spec): a magic, then records of one byte for the kind, eight for the length
and the content. Chunks contain records themselves; such a file lacks the index at the end.
"""

from collections.abc import Iterator
from pathlib import Path
import struct
from typing import BinaryIO

from backports import zstd
from lz4.frame import LZ4FrameDecompressor
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore, Stores

MAGIC = b'\x89MCAP0\r\n'
SCHEMA, CHANNEL, MESSAGE, CHUNK = 3, 4, 5, 6
RECORD_HEAD = struct.Struct('<BQ')
CHUNK_HEAD = struct.Struct('<QQQI')
MESSAGE_HEAD = struct.Struct('<HIQQ')
LONGEST_CHUNK = 2**31
"""Largest record to read: a damaged length must not fill the memory."""


def is_complete_mcap(path: Path) -> bool:
    """Whether a file has the end that the format requires."""
    with path.open('rb') as file:
        file.seek(0, 2)
        if file.tell() < 2 * len(MAGIC):
            return False
        file.seek(-len(MAGIC), 2)
        return file.read() == MAGIC


def salvaged_mcap(path: Path, folder: Path) -> tuple[Path, int]:
    """
    Copy the messages of usual types, up to the cut, into a bag that has an index.

    :param folder: to be created
    :return: the folder and its number of messages
    """
    store = get_typestore(Stores.LATEST)
    count = 0
    with Writer(folder, version=8) as writer:
        links: dict[int, Connection] = {}
        schemas: dict[int, str] = {}
        for kind, content in _records_of(path):
            if kind == SCHEMA:
                number, name = _schema(content)
                schemas[number] = name
            elif kind == CHANNEL:
                number, schema, topic = _channel(content)
                if number not in links and schemas.get(schema) in store.types:
                    links[number] = writer.add_connection(topic, schemas[schema], typestore=store)
            elif kind == MESSAGE and len(content) > MESSAGE_HEAD.size:
                number, _, log_ns, _ = MESSAGE_HEAD.unpack_from(content)
                if number in links:
                    writer.write(links[number], log_ns, content[MESSAGE_HEAD.size :])
                    count += 1
    return folder, count


def _records_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of all records, including those in chunks, up to the cut."""
    with path.open('rb') as file:
        if file.read(len(MAGIC)) != MAGIC:
            return
        while head := _head(file):
            kind, length = head
            content = file.read(min(length, LONGEST_CHUNK))
            if kind == CHUNK:
                yield from _records_in(_inflated(content))
            elif len(content) < length:
                return
            else:
                yield kind, content


def _records_in(chunk: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    while start + RECORD_HEAD.size <= len(chunk):
        kind, length = RECORD_HEAD.unpack_from(chunk, start)
        start += RECORD_HEAD.size
        if start + length > len(chunk):
            return
        yield kind, chunk[start : start + length]
        start += length


def _head(file: BinaryIO) -> tuple[int, int] | None:
    head = file.read(RECORD_HEAD.size)
    return RECORD_HEAD.unpack(head) if len(head) == RECORD_HEAD.size else None


def _inflated(content: bytes) -> bytes:
    """Return the records of a chunk, up to the cut."""
    if len(content) < CHUNK_HEAD.size + 4:
        return b''
    compression, start = _text(content, CHUNK_HEAD.size)
    data = content[start + 8 :]
    if compression == 'zstd':
        return zstd.ZstdDecompressor().decompress(data)
    if compression == 'lz4':
        return bytes(LZ4FrameDecompressor().decompress(data))
    return data


def _schema(content: bytes) -> tuple[int, str]:
    (number,) = struct.unpack_from('<H', content)
    return number, _text(content, 2)[0]


def _channel(content: bytes) -> tuple[int, int, str]:
    number, schema = struct.unpack_from('<HH', content)
    return number, schema, _text(content, 4)[0]


def _text(content: bytes, start: int) -> tuple[str, int]:
    """Return a text and the position of its end."""
    (length,) = struct.unpack_from('<I', content, start)
    end = start + 4 + length
    return content[start + 4 : end].decode(), end
