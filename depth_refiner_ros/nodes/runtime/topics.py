"""A node's inputs and outputs: made with overridable QoS, watched for silence and mismatch."""

from collections.abc import Callable
import time
from typing import Any

from depth_refiner_ros.nodes.runtime.qos import (
    overridable,
    publisher_events,
    qos,
    subscription_events,
)
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription


class Topics:
    """
    Makes and watches the topics of one node.

    :param node: whose topics they are
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._inputs: dict[str, Subscription] = {}
        self._heard_at_s: dict[str, float] = {}
        self._subscribed_at_s = 0.0
        self._incompatible: dict[str, None] = {}

    @property
    def incompatible(self) -> list[str]:
        """Return one line for each QoS mismatch seen."""
        return list(self._incompatible)

    def subscribe(
        self,
        kind: type,
        name: str,
        callback: Callable[[Any], None],
        *,
        reliability: str = 'sensor_data',
        depth: int = 5,
    ) -> None:
        """Listen to a topic; the callback may only store."""
        topic = self._node.resolve_topic_name(name)

        def heard(message: Any) -> None:
            self._heard_at_s[topic] = time.monotonic()
            callback(message)

        self._subscribed_at_s = time.monotonic()
        self._inputs[topic] = self._node.create_subscription(
            kind,
            name,
            heard,
            qos(reliability, depth),
            event_callbacks=subscription_events(topic, self._log),
            qos_overriding_options=overridable(),
        )

    def unsubscribe_all(self) -> None:
        """Listen no more."""
        for subscription in self._inputs.values():
            self._node.destroy_subscription(subscription)
        self._inputs.clear()
        self._heard_at_s.clear()

    def publisher(self, kind: type, name: str, depth: int = 5, *, late: bool = False) -> Publisher:
        """Return a reliable output, silent while the node is inactive; see :func:`qos`."""
        topic = self._node.resolve_topic_name(name)
        return self._node.create_lifecycle_publisher(
            kind,
            name,
            qos('reliable', depth, late=late),
            event_callbacks=publisher_events(topic, self._log),
            qos_overriding_options=overridable(),
        )

    def waiting_for(self, silence_s: float) -> list[str]:
        """Return one line for each input that has been silent for so long."""
        now_s = time.monotonic()
        silent = [
            topic
            for topic in self._inputs
            if now_s - self._heard_at_s.get(topic, self._subscribed_at_s) > silence_s
        ]
        return [self._describe(topic) for topic in silent]

    def _describe(self, topic: str) -> str:
        publishers = self._node.count_publishers(topic)
        if not publishers:
            return f'waiting for {topic}: nobody publishes it; check the name or remap'
        been = 'any more' if topic in self._heard_at_s else 'yet'
        return f'waiting for {topic}: {publishers} publisher(s), no message {been}'

    def _log(self, line: str) -> None:
        if line not in self._incompatible:
            self._incompatible[line] = None
            self._node.get_logger().warning(line)
