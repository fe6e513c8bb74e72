"""Quality of service of the topics, and how a mismatch is told."""

from collections.abc import Callable
from typing import Any

from rclpy.qos import (
    DurabilityPolicy,
    qos_policy_name_from_kind,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions

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
    :param late: who joins late still gets the last messages (transient local); a publisher that
        offers it serves those who do not ask, too
    """
    return QoSProfile(
        depth=depth,
        reliability=RELIABILITY[reliability],
        durability=DurabilityPolicy.TRANSIENT_LOCAL if late else DurabilityPolicy.VOLATILE,
    )


def overridable() -> QoSOverridingOptions:
    """
    Let ``qos_overrides.TOPIC.subscription.reliability`` and its like apply.

    Durability too, for what is published once and for all, as by some camera_info.
    """
    return QoSOverridingOptions(
        policy_kinds=(
            QoSPolicyKind.HISTORY,
            QoSPolicyKind.DEPTH,
            QoSPolicyKind.RELIABILITY,
            QoSPolicyKind.DURABILITY,
        )
    )


def subscription_events(topic: str, log: Callable[[str], None]) -> SubscriptionEventCallbacks:
    """Tell of publishers that offer less than the subscription asks for."""
    return SubscriptionEventCallbacks(
        incompatible_qos=lambda event: log(
            f'{topic}: a publisher offers another {_policy(event)} than is asked for; set '
            f'qos_overrides.{topic}.subscription.{_policy(event)}'
        )
    )


def publisher_events(topic: str, log: Callable[[str], None]) -> PublisherEventCallbacks:
    """Tell of subscribers that ask for more than the publisher offers."""
    return PublisherEventCallbacks(
        incompatible_qos=lambda event: log(
            f'{topic}: a subscriber asks for another {_policy(event)} than is offered; set '
            f'qos_overrides.{topic}.publisher.{_policy(event)}'
        )
    )


def _policy(event: Any) -> str:
    return qos_policy_name_from_kind(event.last_policy_kind).lower()
