# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Track which frames the stages have finished, for a player that waits for each."""

from functools import partial
import threading

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.runtime.qos import qos
from rclpy.node import Node
from std_msgs.msg import Header

QUEUE = 100
DEPTH = 'depth/image'
STAGES = ('refiner', 'tsdf')
"""Stages in the order in which a frame passes through them."""
REMEMBERED = 10_000
"""Frames whose ends are remembered at most."""


class LockStep:
    """
    Waits until the last stage has finished with a frame.

    :param node: subscribes to the reports of the stages
    :param stage: name of the last stage: ``refiner`` or ``tsdf``
    """

    def __init__(self, node: Node, stage: str) -> None:
        self._node = node
        self._stages = STAGES[: STAGES.index(stage) + 1]
        self._finished: dict[str, set[int]] = {name: set() for name in self._stages}
        self._skipped_ns: set[int] = set()
        self._skipped_before = 0
        self._stopped = False
        self._changed = threading.Condition()
        for name in self._stages:
            # Frames that the refiner skips never reach fusion, so every stage may end a frame.
            for topic, callback in (
                ('done', partial(self._finish, name)),
                ('skipped', self._skip),
            ):
                node.create_subscription(
                    Header, f'{name}/{topic}', callback, qos('reliable', QUEUE)
                )

    @property
    def absent(self) -> list[str]:
        """Return the stages that are not in the graph at all."""
        return [name for name in self._stages if not self._is_there(name)]

    @property
    def missing(self) -> str:
        """Return a text with what is not ready yet; empty if everything is."""
        absent = self.absent
        if absent:
            return f'{" and ".join(absent)} not in the graph'
        if 'tsdf' in self._stages and not self.hears('tsdf', DEPTH):
            return f'tsdf does not listen to {self._node.resolve_topic_name(DEPTH)} yet'
        return ''

    def hears(self, stage: str, topic: str) -> bool:
        """Whether a stage listens to a topic, by its name before remapping."""
        full_name = self._node.resolve_topic_name(topic)
        infos = self._node.get_subscriptions_info_by_topic(full_name)
        return stage in {info.node_name for info in infos}

    @property
    def skipped(self) -> int:
        """Return the number of frames that ended without output."""
        return self._skipped_before + len(self._skipped_ns)

    def wait(self, stamp_ns: int, timeout_s: float) -> bool:
        """Wait for the end of a frame; return False after the timeout."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ended(stamp_ns), timeout_s)
            return self._ended(stamp_ns)

    def late(self, stamp_ns: int) -> str:
        """Return the first stage that has not finished with a frame."""
        with self._changed:
            unfinished = (name for name in self._stages if stamp_ns not in self._finished[name])
            return next(unfinished, self._stages[-1])

    def was_skipped(self, stamp_ns: int) -> bool:
        """Whether a frame ended without output; known a moment after its end."""
        return stamp_ns in self._skipped_ns

    def expect(self, stamp_ns: int) -> None:
        """Start a new frame; in a second round of a recording its stamp was seen before."""
        with self._changed:
            self._skipped_before += stamp_ns in self._skipped_ns
            self.forget(stamp_ns)
            self._forget_if_many()

    def forget(self, stamp_ns: int) -> None:
        """Start a frame that is sent again."""
        with self._changed:
            for finished in self._finished.values():
                finished.discard(stamp_ns)
            self._skipped_ns.discard(stamp_ns)

    def _forget_if_many(self) -> None:
        """Empty what has grown too large: a player may send new stamps in rounds for days."""
        for finished in self._finished.values():
            if len(finished) > REMEMBERED:
                finished.clear()
        if len(self._skipped_ns) > REMEMBERED:
            self._skipped_before += len(self._skipped_ns)
            self._skipped_ns.clear()

    def stop(self) -> None:
        """Wake the waiting thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _is_there(self, name: str) -> bool:
        topics = (f'{name}/done', f'{name}/skipped')
        return any(self._node.count_publishers(topic) for topic in topics)

    def _ended(self, stamp_ns: int) -> bool:
        return stamp_ns in self._finished[self._stages[-1]] or stamp_ns in self._skipped_ns

    def _finish(self, name: str, header: Header) -> None:
        with self._changed:
            self._finished[name].add(stamp_ns_of(header))
            self._changed.notify_all()

    def _skip(self, header: Header) -> None:
        with self._changed:
            self._skipped_ns.add(stamp_ns_of(header))
            self._changed.notify_all()
