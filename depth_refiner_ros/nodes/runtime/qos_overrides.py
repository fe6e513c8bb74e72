# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Check parameters such as ``qos_overrides.TOPIC.publisher.POLICY`` before use."""

from collections.abc import Iterable
import re
from typing import Any

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.core.messages import nearest, shown
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

PREFIX = 'qos_overrides.'
NAME = re.compile(r'qos_overrides\.(?P<topic>/.+)\.(?P<entity>\w+)\.(?P<policy>\w+)')
ENTITIES = ('publisher', 'subscription')
WORDS = {
    'reliability': ReliabilityPolicy,
    'durability': DurabilityPolicy,
    'history': HistoryPolicy,
}
DEEPEST = 100_000
"""Largest queue; Fast DDS accepts more and then runs out of memory."""


def overridable() -> QoSOverridingOptions:
    """
    Return options that let overrides of an entity apply.

    They include durability, for topics that are published once, such as some camera_info.
    """
    return QoSOverridingOptions(
        policy_kinds=(
            QoSPolicyKind.HISTORY,
            QoSPolicyKind.DEPTH,
            QoSPolicyKind.RELIABILITY,
            QoSPolicyKind.DURABILITY,
        )
    )


def check_overrides(node: Node) -> None:
    """
    Check every override that a node was given.

    rclpy would fail with a traceback, or ignore what it does not know.

    :raises SettingsError: if rclpy does not accept a name or a value
    """
    for name, value in _given(node).items():
        _check(name, value)


def unused_overrides(node: Node, entities: Iterable[tuple[str, str]]) -> list[str]:
    """
    Return one line for each overridden topic that the node does not have.

    :param entities: full topic name and ``publisher`` or ``subscription`` of each that exists
    """
    known = set(entities)
    matches = (NAME.fullmatch(name) for name in _given(node))
    asked = {(match['topic'], match['entity']) for match in matches if match}
    return [
        f'{PREFIX}{topic}.{entity}: this node has no such {entity} now; it has '
        + (', '.join(sorted(name for name, kind in known if kind == entity)) or 'none')
        for topic, entity in sorted(asked - known)
    ]


def _given(node: Node) -> dict[str, Any]:
    return {
        name: parameter.value
        for name, parameter in node.get_parameters_by_prefix('').items()
        if name.startswith(PREFIX)
    }


def _check(name: str, value: Any) -> None:
    match = NAME.fullmatch(name)
    policies = (*WORDS, 'depth')
    if match is None or match['entity'] not in ENTITIES or match['policy'] not in policies:
        raise SettingsError(
            f'{name} is not a QoS override; it must be {PREFIX}/TOPIC.{"|".join(ENTITIES)}.'
            f'{"|".join(policies)}'
        )
    if match['policy'] == 'depth':
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= DEEPEST:
            raise SettingsError(
                f'{name} = {shown(value)} must be a whole number in 1 .. {DEEPEST}'
            )
        return
    words = [
        word.lower()
        for word in WORDS[match['policy']].__members__
        if word != 'UNKNOWN' and not word.startswith('RMW_')
    ]
    if not isinstance(value, str) or value.lower() not in words:
        raise SettingsError(
            f'{name} = {shown(value)} must be one of {" | ".join(words)}{nearest(value, words)}'
        )
