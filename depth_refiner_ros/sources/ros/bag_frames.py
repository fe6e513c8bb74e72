# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag with the depth and camera model that belong to each, joined while reading."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from depth_refiner_ros.sources.ros.bag_messages import BagMessage
from depth_refiner_ros.sources.ros.stamp_order import is_in_order, LOOKAHEAD
from depth_refiner_ros.sources.ros.topics import Choice

WAITING = 30
"""Images that may wait for their depth; the topics of a bag are rarely recorded in step."""
KEPT = 2 * WAITING
"""Depth images and camera models that may wait for an image that is recorded after them."""


@dataclass(frozen=True, kw_only=True)
class MessageSet:
    """
    An image and the messages that belong to it.

    :param depth: None if none is near enough in time
    :param depth_gap_ns: distance of the nearest depth that has been read, None if there is none
    :param info: the nearest in time, None if there is none
    :param late_by_ns: None if the image is in order; else how far its stamp is behind the image
        before it, negative if it is ahead of those that follow
    """

    image: BagMessage
    depth: BagMessage | None
    depth_gap_ns: int | None
    info: BagMessage | None
    late_by_ns: int | None


@dataclass
class _Waiting:
    """An image, with the nearest message of each other topic that has been read so far."""

    image: BagMessage
    nearest: dict[str, BagMessage] = field(default_factory=dict)

    def see(self, message: BagMessage) -> None:
        old = self.nearest.get(message.topic)
        if old is None or self._gap_ns(message) < self._gap_ns(old):
            self.nearest[message.topic] = message

    def _gap_ns(self, message: BagMessage) -> int:
        return abs(message.stamp_ns - self.image.stamp_ns)


class MessageJoin:
    """
    Joins messages by stamp, whatever the order in which they were recorded.

    :param topics: the topic of each kind
    :param max_gap_ns: largest distance in time of depth to its image
    """

    def __init__(self, topics: Choice, max_gap_ns: int) -> None:
        self._topics, self._max_gap_ns = topics, max_gap_ns
        self._images: deque[_Waiting] = deque()
        self._recent: dict[str, deque[BagMessage]] = {
            topic: deque(maxlen=KEPT) for topic in (topics.depth, topics.info) if topic
        }
        self._last_ns: int | None = None

    def add(self, item: BagMessage) -> Iterator[MessageSet]:
        """Add a message and yield the sets that it completes."""
        if item.topic == self._topics.image:
            waiting = _Waiting(item)
            for message in chain.from_iterable(self._recent.values()):
                waiting.see(message)
            self._images.append(waiting)
        elif item.topic == self._topics.depth or item.message is not None:
            self._recent[item.topic].append(item)
            for waiting in self._images:
                waiting.see(item)
        while self._is_ripe():
            yield self._next()

    def rest(self) -> Iterator[MessageSet]:
        """Yield the sets that still waited when the bag ended."""
        while self._images:
            yield self._next()

    def _is_ripe(self) -> bool:
        """Whether the order of the first image is known, and no better depth for it can arrive."""
        if len(self._images) <= LOOKAHEAD:
            return False
        if self._topics.depth is None or len(self._images) > WAITING:
            return True
        image, depths = self._images[0].image, self._recent[self._topics.depth]
        nearest = self._images[0].nearest.get(self._topics.depth)
        if nearest is not None and nearest.stamp_ns == image.stamp_ns:
            return True
        # A single depth image with a wrong, late stamp does not end the wait of all images.
        return sum(depth.stamp_ns >= image.stamp_ns for depth in depths) > 1

    def _next(self) -> MessageSet:
        stamps_ns = [item.image.stamp_ns for item in list(self._images)[: LOOKAHEAD + 1]]
        first = self._images.popleft()
        image, topics = first.image, self._topics
        depth, info = (first.nearest.get(topic or '') for topic in (topics.depth, topics.info))
        late_by_ns = None
        if is_in_order(stamps_ns, self._last_ns):
            self._last_ns = image.stamp_ns
        else:
            ahead_ns = stamps_ns[1] - image.stamp_ns if len(stamps_ns) > 1 else 0
            behind_ns = -1 if self._last_ns is None else self._last_ns - image.stamp_ns
            late_by_ns = behind_ns if behind_ns >= 0 else ahead_ns
        gap_ns = None if depth is None else abs(depth.stamp_ns - image.stamp_ns)
        near = gap_ns is not None and gap_ns <= self._max_gap_ns
        return MessageSet(
            image=image,
            depth=depth if near else None,
            depth_gap_ns=gap_ns,
            info=info,
            late_by_ns=late_by_ns,
        )
