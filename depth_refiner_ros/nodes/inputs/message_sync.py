# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Join messages of several topics by stamp, with the interface of ``message_filters``.

If ``message_filters`` is installed, it is used instead. This module replaces it otherwise and
avoids two of its pitfalls: callbacks run outside the lock, so that an exception in one blocks
nothing, and a gap equal to ``slop`` is accepted.
"""

from collections.abc import Callable, Sequence
import threading
from typing import Any

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of

NS_PER_S = 1_000_000_000


class SimpleFilter:
    """Passes messages to its callbacks."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def registerCallback(self, callback: Callable[..., None], *args: Any) -> int:
        """Register ``callback(*messages, *args)`` and return the number of the connection."""
        self._callbacks.append((callback, args))
        return len(self._callbacks) - 1

    def signalMessage(self, *messages: Any) -> None:
        """Pass messages to all callbacks."""
        for callback, args in self._callbacks:
            callback(*messages, *args)


class TimeSynchronizer(SimpleFilter):
    """
    Emits sets of messages that share one stamp.

    :param fs: filters that messages come from
    :param queue_size: messages of each that may wait
    """

    slop_ns = 0

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._waiting: list[dict[int, Any]] = [{} for _ in fs]
        self._queue_size = queue_size
        for index, source in enumerate(fs):
            source.registerCallback(self._add, index)

    def _add(self, message: Any, index: int) -> None:
        with self._lock:
            stamp_ns = stamp_ns_of(message.header)
            self._waiting[index][stamp_ns] = message
            found = self._take_set_around(stamp_ns)
            if len(self._waiting[index]) > self._queue_size:
                del self._waiting[index][min(self._waiting[index])]
        if found is not None:
            self.signalMessage(*found)

    def _take_set_around(self, stamp_ns: int) -> list[Any] | None:
        """Remove and return the set nearest to a stamp, and drop all older messages."""
        if not all(self._waiting):
            return None
        chosen = [
            min(queue, key=lambda other_ns: abs(other_ns - stamp_ns)) for queue in self._waiting
        ]
        if max(chosen) - min(chosen) > self.slop_ns:
            return None
        found = [queue[chosen_ns] for queue, chosen_ns in zip(self._waiting, chosen)]
        for queue, chosen_ns in zip(self._waiting, chosen):
            for passed_ns in [waiting_ns for waiting_ns in queue if waiting_ns <= chosen_ns]:
                del queue[passed_ns]
        return found


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """
    Emits sets of messages whose stamps differ by at most ``slop``.

    :param fs: filters that messages come from
    :param queue_size: messages of each that may wait
    :param slop: largest difference in seconds
    """

    def __init__(self, fs: Sequence[SimpleFilter], queue_size: int, slop: float) -> None:
        super().__init__(fs, queue_size)
        self.slop_ns = round(slop * NS_PER_S)
