# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Passes frames from callbacks, which must not wait, to the worker thread."""

from collections import deque
import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Mailbox(Generic[Item]):
    """
    A bounded queue that drops the oldest item when full; its usual size is one.

    :param capacity: items that may wait
    :param changed: notified of each change; boxes that share it can be waited for together
    """

    def __init__(self, capacity: int = 1, changed: threading.Condition | None = None) -> None:
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._closed = False
        self._changed = changed or threading.Condition()

    def put(self, item: Item) -> Item | None:
        """
        Store an item.

        :return: the item that was displaced, for the caller to count: the oldest one, or the new
            one if the box is closed
        """
        with self._changed:
            if self._closed:
                return item
            evicted = self._items.popleft() if len(self._items) >= self._capacity else None
            self._items.append(item)
            self._changed.notify_all()
            return evicted

    def take(self, timeout_s: float) -> Item | None:
        """Return the oldest item, or None after the timeout or if the box was closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._items.popleft() if self._items and not self._closed else None

    def close(self) -> list[Item]:
        """Accept no more items, wake the worker and return the items that were still waiting."""
        with self._changed:
            self._closed = True
            left, self._items = list(self._items), deque()
            self._changed.notify_all()
            return left

    @property
    def closed(self) -> bool:
        """Whether the box was closed."""
        return self._closed

    def __len__(self) -> int:
        return len(self._items)
