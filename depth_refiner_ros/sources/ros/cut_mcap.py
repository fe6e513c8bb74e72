# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Read the messages of an MCAP file without an end, as a killed recorder leaves it.

Such a file lacks the index at the end.
"""

from collections.abc import Iterator
from pathlib import Path

from depth_refiner_ros.sources.ros import mcap_records as mcap
from rosbags.interfaces import Connection
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore, Stores
from rosbags.typesys.store import Typestore


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
            if kind == mcap.SCHEMA:
                number, name = mcap.schema_of(content)
                schemas[number] = name
            elif kind == mcap.CHANNEL:
                number, schema, topic = mcap.channel_of(content)
                if number not in links and schemas.get(schema) in store.types:
                    links[number] = _link(writer, topic, schemas[schema], store)
            elif kind == mcap.MESSAGE and len(content) > mcap.MESSAGE_HEAD.size:
                number, _, log_ns, _ = mcap.MESSAGE_HEAD.unpack_from(content)
                if number in links:
                    writer.write(links[number], log_ns, content[mcap.MESSAGE_HEAD.size :])
                    count += 1
    return folder, count


def _link(writer: Writer, topic: str, kind: str, store: Typestore) -> Connection:
    """Return the connection of a topic, which all its channels of one type share."""
    for link in writer.connections:
        if (link.topic, link.msgtype) == (topic, kind):
            return link
    return writer.add_connection(topic, kind, typestore=store)


def _records_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield kind and content of all records, including those in chunks, up to the cut."""
    with path.open('rb') as file:
        if file.read(len(mcap.MAGIC)) != mcap.MAGIC:
            return
        for kind, content in mcap.records_from(file):
            if kind == mcap.CHUNK:
                try:
                    records = mcap.inflated(content)
                except mcap.DAMAGED_CHUNK:  # as of a power cut: what came before it is sound
                    return
                for inner, inner_content, _ in mcap.records_in(records):
                    yield inner, inner_content
            else:
                yield kind, content
