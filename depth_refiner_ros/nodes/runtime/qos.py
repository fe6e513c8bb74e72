# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality of service of topics, and how a mismatch is reported."""

from collections.abc import Callable
from typing import Any

from rclpy.qos import DurabilityPolicy, qos_policy_name_from_kind, QoSProfile, ReliabilityPolicy

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

RELIABILITY = {
    'sensor_data': ReliabilityPolicy.BEST_EFFORT,
    'reliable': ReliabilityPolicy.RELIABLE,
}


def qos(reliability: str, depth: int, *, late: bool = False) -> QoSProfile:
    """
    Return a keep-last profile.

    :param reliability: ``sensor_data`` (best effort) or ``reliable``
    :param late: late subscribers still get the last messages (transient local); such a publisher
        also works with subscribers that do not request it
    """
    return QoSProfile(
        depth=depth,
        reliability=RELIABILITY[reliability],
        durability=DurabilityPolicy.TRANSIENT_LOCAL if late else DurabilityPolicy.VOLATILE,
    )


def subscription_events(topic: str, log: Callable[[str], None]) -> SubscriptionEventCallbacks:
    """Log publishers that offer less than the subscription requests."""
    return SubscriptionEventCallbacks(
        incompatible_qos=lambda event: log(
            f'{topic}: a publisher offers less {_policy(event)} than this node asks for; set '
            f'qos_overrides.{topic}.subscription.{_policy(event)}'
        )
    )


def publisher_events(topic: str, log: Callable[[str], None]) -> PublisherEventCallbacks:
    """Log subscribers that request more than the publisher offers."""
    return PublisherEventCallbacks(
        incompatible_qos=lambda event: log(
            f'{topic}: a subscriber asks for more {_policy(event)} than this node offers; set '
            f'qos_overrides.{topic}.publisher.{_policy(event)}'
        )
    )


def _policy(event: Any) -> str:
    return qos_policy_name_from_kind(event.last_policy_kind).lower()
