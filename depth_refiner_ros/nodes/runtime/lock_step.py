"""Which frames a stage has finished with, for a player that waits for each."""

import threading

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.runtime.qos import qos
from rclpy.node import Node
from std_msgs.msg import Header

QUEUE = 100
DEPTH = 'depth/image'


class LockStep:
    """
    Waits until the last stage has finished with a frame.

    :param node: that listens
    :param stage: name of the last stage: ``refiner`` or ``tsdf``
    """

    def __init__(self, node: Node, stage: str) -> None:
        self._node = node
        self._stage = stage
        self._topic = f'{stage}/done'
        self._finished_ns: set[int] = set()
        self._skipped_ns: set[int] = set()
        self._skipped_before = 0
        self._stopped = False
        self._changed = threading.Condition()
        node.create_subscription(Header, self._topic, self._finish, qos('reliable', QUEUE))
        # What the refiner skips never reaches fusion.
        for skipping in {stage, 'refiner'}:
            node.create_subscription(
                Header, f'{skipping}/skipped', self._skip, qos('reliable', QUEUE)
            )

    @property
    def missing(self) -> str:
        """Say what is not there yet, empty where all is."""
        if not self._node.count_publishers(self._topic):
            return f'nobody publishes {self._topic}'
        if self._stage == 'tsdf' and self._stage not in self._listeners_of_depth():
            return f'{self._stage} does not listen to {DEPTH} yet'
        return ''

    def _listeners_of_depth(self) -> set[str]:
        return {
            info.node_name
            for info in self._node.get_subscriptions_info_by_topic(
                self._node.resolve_topic_name(DEPTH)
            )
        }

    @property
    def skipped(self) -> int:
        """Return the number of frames that ended without output."""
        return self._skipped_before + len(self._skipped_ns)

    def wait(self, stamp_ns: int, timeout_s: float) -> bool:
        """Wait for the end of a frame; False where it did not come in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ended(stamp_ns), timeout_s)
            return self._ended(stamp_ns)

    def was_skipped(self, stamp_ns: int) -> bool:
        """Return whether a frame ended without output, a moment after its end."""
        return stamp_ns in self._skipped_ns

    def expect(self, stamp_ns: int) -> None:
        """Wait for a frame; its stamp was seen before where a recording starts over."""
        with self._changed:
            self._skipped_before += stamp_ns in self._skipped_ns
            self.forget(stamp_ns)

    def forget(self, stamp_ns: int) -> None:
        """Expect a frame anew."""
        with self._changed:
            self._finished_ns.discard(stamp_ns)
            self._skipped_ns.discard(stamp_ns)

    def stop(self) -> None:
        """Let go of whoever waits."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _ended(self, stamp_ns: int) -> bool:
        return stamp_ns in self._finished_ns or stamp_ns in self._skipped_ns

    def _finish(self, header: Header) -> None:
        with self._changed:
            self._finished_ns.add(stamp_ns_of(header))
            self._changed.notify_all()

    def _skip(self, header: Header) -> None:
        with self._changed:
            self._skipped_ns.add(stamp_ns_of(header))
            self._changed.notify_all()
