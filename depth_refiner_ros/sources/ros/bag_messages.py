# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages of a bag in the order of their recording, each with its stamp."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from depth_refiner_ros.sources.ros.bag_files import (
    BROKEN,
    decompressed,
    definition_fault,
    unreadable,
)
from depth_refiner_ros.sources.ros.pose import stamp_ns_of
from depth_refiner_ros.sources.ros.topics import IMAGES, INFOS, POSES, Topic, TRANSFORMS
from rosbags.highlevel import AnyReader
from rosbags.interfaces import Connection

READ = (*IMAGES, *INFOS, *POSES, *TRANSFORMS)
"""Types of messages that are read."""
FIRST_LOOKED_AT = 30
"""Messages of a topic by which it is judged, whether they can be read or not."""
STAMPS_LOOKED_AT = 5
"""A simulation starts at 0, so a single stamp of 0 does not mean that stamps are missing."""


@dataclass(frozen=True, kw_only=True)
class BagMessage:
    """
    One message.

    :param bag_ns: time of its recording
    :param stamp_ns: of its header, or the time of recording if the topic has no stamps
    :param message: None if it cannot be read
    :param error: why it cannot be read
    """

    topic: str
    bag_ns: int
    stamp_ns: int
    message: Any
    error: str = ''


class BagMessages:
    """
    Reads messages of an open bag.

    :param reader: open
    :param path: of the bag, for messages
    """

    def __init__(self, reader: AnyReader, path: Path) -> None:
        self._reader, self._path = reader, path
        self._links = _of_one_type(reader.connections)
        self._unstamped: dict[str, bool] = {}
        self.broken = ''
        self.unfit: dict[str, str] = {}
        """One line for each type whose messages :meth:`topics` has left out."""

    def topics(self) -> list[Topic]:
        """Return the topics that hold messages, each with its first one that is filled in."""
        counts: dict[tuple[str, str], int] = {}
        for link in self._links:
            if link.msgtype in READ and self._is_unfit(link.msgtype):
                continue
            key = link.topic, link.msgtype
            counts[key] = counts.get(key, 0) + link.msgcount
        firsts = [
            (name, kind, count, self._first(name))
            for (name, kind), count in counts.items()
            if count
        ]
        return [
            Topic(name=name, kind=kind, count=count, first=first)
            for name, kind, count, first in firsts
            if first is not None
        ]

    def left_out(self) -> list[str]:
        """Return a line for each topic of several types, of which one is read."""
        kinds = {link.topic: link.msgtype for link in self._links}
        others = {
            (link.topic, link.msgtype): None
            for link in self._reader.connections
            if link.msgtype != kinds[link.topic]
        }
        return [
            f'{topic} has messages of two types: {kinds[topic]} is read, {kind} is not'
            for topic, kind in others
        ]

    def _is_unfit(self, kind: str) -> bool:
        """Whether the bag defines a type without what is read of it; it is kept in ``unfit``."""
        fault = definition_fault(self._reader.typestore, kind)
        if fault:
            self.unfit[kind] = (
                f'bag {self._path}: {fault}, so such messages cannot be read; copy it again'
            )
        return bool(fault)

    def of(self, topics: Sequence[str | None]) -> Iterator[BagMessage]:
        """
        Yield the messages of some topics.

        If the bag is incomplete, they end early, and ``broken`` says why in one line.
        """
        for link, bag_ns, data in self._raw(topics):
            message, error = self._deserialized(link, data)
            if message is None or not hasattr(message, 'header') or self._is_unstamped(link.topic):
                stamp_ns = bag_ns
            else:
                stamp_ns = stamp_ns_of(message.header)
            yield BagMessage(
                topic=link.topic, bag_ns=bag_ns, stamp_ns=stamp_ns, message=message, error=error
            )

    def unstamped(self) -> list[str]:
        """Return the topics read so far whose messages have no stamps."""
        return [topic for topic, unstamped in self._unstamped.items() if unstamped]

    def _first(self, topic: str) -> Any:
        """
        Return the first of the first messages that is filled in, else the first that can be read.

        A topic is judged by it, and some drivers begin with empty images or calibrations.
        """
        read = self._beginning(topic)
        first = next(read, None)
        return next((message for message in chain([first], read) if _is_filled(message)), first)

    def _is_unstamped(self, topic: str) -> bool:
        """Whether the first messages of a topic all have stamp 0."""
        if topic not in self._unstamped:
            stamped = (item for item in self._beginning(topic) if hasattr(item, 'header'))
            self._unstamped[topic] = not any(
                stamp_ns_of(message.header) for message in islice(stamped, STAMPS_LOOKED_AT)
            )
        return self._unstamped[topic]

    def _beginning(self, topic: str) -> Iterator[Any]:
        """Yield those of the first messages of a topic that can be read; a type may be unknown."""
        for link, _, data in islice(self._raw([topic]), FIRST_LOOKED_AT):
            message, _ = self._deserialized(link, data)
            if message is not None:
                yield message

    def _raw(self, topics: Sequence[str | None]) -> Iterator[tuple[Connection, int, bytes]]:
        links = [link for link in self._links if link.topic in topics]
        if not links:  # the reader takes an empty choice as every topic
            return
        messages = self._reader.messages(connections=links)
        while True:
            try:
                link, bag_ns, data = next(messages)
            except StopIteration:
                return
            except BROKEN as error:
                self.broken = unreadable(self._path, error)
                return
            yield link, bag_ns, data

    def _deserialized(self, link: Connection, data: bytes) -> tuple[Any, str]:
        try:
            return self._reader.deserialize(decompressed(data), link.msgtype), ''
        except BROKEN as error:
            return None, ' '.join(str(error).split()) or type(error).__name__


def _of_one_type(links: Sequence[Connection]) -> list[Connection]:
    """Return the links of each topic's one type: one that is read, then that of most messages."""
    counts: dict[str, dict[str, int]] = {}
    for link in links:
        kinds = counts.setdefault(link.topic, {})
        kinds[link.msgtype] = kinds.get(link.msgtype, 0) + link.msgcount
    chosen = {
        topic: max(kinds, key=lambda kind: (kind in READ and kinds[kind] > 0, kinds[kind]))
        for topic, kinds in counts.items()
    }
    return [link for link in links if link.msgtype == chosen[link.topic]]


def _is_filled(message: Any) -> bool:
    """Whether a message is neither an empty image nor a calibration of zeros."""
    if hasattr(message, 'distortion_model'):
        return bool(message.width and message.height and any(message.k))
    if hasattr(message, 'encoding'):
        return bool(message.width and message.height)
    return not hasattr(message, 'format') or len(getattr(message, 'data', ' ')) > 0
