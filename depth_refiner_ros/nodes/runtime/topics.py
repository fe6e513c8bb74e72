# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs of a node, with overridable QoS, checked for silence and mismatch."""

from collections.abc import Callable
from functools import partial
import time
from typing import Any

from depth_refiner_ros.nodes.runtime.qos import publisher_events, qos, subscription_events
from depth_refiner_ros.nodes.runtime.qos_overrides import overridable, unused_overrides
from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.subscription import Subscription

RECENT_S = 2.0
"""An input that received a message more recently is not kept from messages."""
COLOR, DEPTH = 'compressed', 'compressedDepth'
"""Transports of image_transport for compressed color and depth."""


class Topics:
    """
    Makes and watches the topics of one node.

    Transports name topics as in image_transport: ``image`` with the transport ``compressed`` is
    ``image/compressed``, and follows a remapping of ``image``.

    :param node: owner of the topics; the outputs of a lifecycle node are silent while it is
        inactive
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._inputs: dict[str, Subscription] = {}
        self._outputs: dict[str, Publisher] = {}
        self._received_at_s: dict[str, float] = {}
        self._optional: set[str] = set()
        self._subscribed_at_s = 0.0
        self._incompatible: dict[str, str] = {}

    @property
    def incompatible(self) -> list[str]:
        """Return one line for each QoS mismatch seen that still keeps messages back."""
        return [line for line, topic in self._incompatible.items() if self._is_kept_back(topic)]

    def _is_kept_back(self, topic: str) -> bool:
        """Whether an input is silent, or a subscriber of an output gets nothing."""
        if topic in self._outputs:
            matched = self._outputs[topic].get_subscription_count()
            return self._node.count_subscribers(topic) > matched
        received_at_s = self._received_at_s.get(topic)
        return received_at_s is None or time.monotonic() - received_at_s > RECENT_S

    def full_name(self, name: str, transport: str = '') -> str:
        """Return the full name of a topic, remapping applied."""
        return self._node.resolve_topic_name(self._asked(name, transport))

    def subscribe(
        self,
        kind: type,
        name: str,
        callback: Callable[[Any], None],
        *,
        transport: str = '',
        reliability: str = 'sensor_data',
        depth: int = 5,
        late: bool = False,
        optional: bool = False,
    ) -> None:
        """
        Subscribe to a topic; the callback may only store.

        :param late: also receive what was published before, if the publisher offers it
        :param optional: do not report its silence
        """
        topic = self.full_name(name, transport)

        def receive(message: Any) -> None:
            self._received_at_s[topic] = time.monotonic()
            callback(message)

        self._subscribed_at_s = time.monotonic()
        if optional:
            self._optional.add(topic)
        self._inputs[topic] = self._node.create_subscription(
            kind,
            self._asked(name, transport),
            receive,
            qos(reliability, depth, late=late),
            event_callbacks=subscription_events(topic, partial(self._log, topic)),
            qos_overriding_options=overridable(),
        )

    def unsubscribe_all(self) -> None:
        """Destroy every subscription."""
        for subscription in self._inputs.values():
            self._node.destroy_subscription(subscription)
        self._inputs.clear()
        self._received_at_s.clear()
        self._optional.clear()

    def publisher(
        self, kind: type, name: str, depth: int = 5, *, transport: str = '', late: bool = False
    ) -> Publisher:
        """Return a reliable output; see :func:`qos` for ``late``."""
        topic = self.full_name(name, transport)
        node = self._node
        make = (
            node.create_lifecycle_publisher
            if isinstance(node, LifecycleNode)
            else node.create_publisher
        )
        self._outputs[topic] = make(
            kind,
            self._asked(name, transport),
            qos('reliable', depth, late=late),
            event_callbacks=publisher_events(topic, partial(self._log, topic)),
            qos_overriding_options=overridable(),
        )
        return self._outputs[topic]

    def unused_overrides(self) -> list[str]:
        """Return one line for each topic whose QoS is overridden but that the node lacks."""
        entities = [(topic, 'subscription') for topic in self._inputs]
        entities += [(topic, 'publisher') for topic in self._outputs]
        return unused_overrides(self._node, entities)

    def warn_of_unused_overrides(self) -> None:
        """Log :meth:`unused_overrides`."""
        for line in self.unused_overrides():
            self._node.get_logger().warning(line)

    def waiting_for(self, silence_s: float) -> list[str]:
        """Return one line for each input that has been silent for longer than ``silence_s``."""
        now_s = time.monotonic()
        silent = [
            topic
            for topic in self._inputs
            if topic not in self._optional
            and now_s - self._received_at_s.get(topic, self._subscribed_at_s) > silence_s
        ]
        return [self._describe(topic) for topic in silent]

    def _asked(self, name: str, transport: str) -> str:
        """Return the name to pass to ROS."""
        return f'{self._node.resolve_topic_name(name)}/{transport}' if transport else name

    def _describe(self, topic: str) -> str:
        publishers = self._node.count_publishers(topic)
        if not publishers:
            return f'waiting for {topic}: nobody publishes it; check the name or remap'
        since = 'any more' if topic in self._received_at_s else 'yet'
        return f'waiting for {topic}: {publishers} publisher(s), no message {since}'

    def _log(self, topic: str, line: str) -> None:
        if line not in self._incompatible:
            self._incompatible[line] = topic
            self._node.get_logger().warning(line)
