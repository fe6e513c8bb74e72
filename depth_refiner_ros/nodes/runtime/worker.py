# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The thread that works on frames, for one node or for several that share what they work with."""

from collections.abc import Callable, Mapping
import threading
from typing import Any, Protocol

from depth_refiner_ros.nodes.runtime.mailbox import Mailbox

IDLE_S = 0.1


class Served(Protocol):
    """A node whose frames are worked on."""

    def serve(self, item: Any) -> None:
        """Work on one frame; a fault of it is counted, and not raised."""

    def rest(self) -> None:
        """Do periodic work between frames; its fault is counted, and not raised."""


Boxes = Mapping[Any, Mailbox[Any]]
"""Nodes, each with its frames that wait."""


def one_by_one(boxes: Boxes) -> None:
    """Work on a frame of each node, each taken when it is its turn, so that it is the newest."""
    for node, box in boxes.items():
        item = box.take(0.0)
        if item is not None:
            node.serve(item)


class Worker:
    """
    One thread for the frames of nodes, in rounds with at most one frame of each.

    So a node waits for one frame of each other at most, however fast these come.

    :param serve: takes a frame of each node, if one waits, and works on it
    """

    def __init__(self, serve: Callable[[Boxes], None] = one_by_one) -> None:
        self._serve = serve
        self._changed = threading.Condition()
        self._boxes: dict[Served, Mailbox[Any]] = {}
        self._thread: threading.Thread | None = None
        self._rounds = 0
        self._at_work = False

    def box(self, capacity: int) -> Mailbox[Any]:
        """Return a box for the frames of a node, of which so many may wait."""
        return Mailbox(capacity, self._changed)

    def start(self, node: Served, box: Mailbox[Any]) -> None:
        """Work on the frames in a node's :meth:`box` from now on."""
        with self._changed:
            self._boxes[node] = box
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name='worker')
            self._thread.start()

    def stop(self, node: Served) -> None:
        """Serve a node no more, and wait until the current round has ended."""
        with self._changed:
            self._boxes.pop(node, None)
            self._changed.notify_all()
            now = self._rounds
            self._changed.wait_for(lambda: not self._at_work or self._rounds > now)
            thread = None if self._boxes else self._thread
        if thread is not None:
            thread.join()
            self._thread = None

    def _work(self) -> None:
        while (boxes := self._wait()) is not None:
            self._serve(boxes)
            for node in boxes:
                node.rest()
            with self._changed:
                self._rounds, self._at_work = self._rounds + 1, False
                self._changed.notify_all()

    def _wait(self) -> dict[Served, Mailbox[Any]] | None:
        """Wait for a frame, but not for long; return the nodes, None if all have stopped."""
        with self._changed:
            self._changed.wait_for(lambda: not self._boxes or any(self._boxes.values()), IDLE_S)
            self._at_work = bool(self._boxes)
            return dict(self._boxes) or None
