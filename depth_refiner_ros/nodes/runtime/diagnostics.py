# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state of a node on ``/diagnostics``: missing inputs, dropped frames and times."""

from collections.abc import Callable
import time

from depth_refiner_ros.core.messages import frames_line
from depth_refiner_ros.nodes.runtime.latency import Snapshot, Statistics
from depth_refiner_ros.nodes.runtime.topics import Topics
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

RECENT_S = 5.0
"""A failure more recent than this makes the state an error."""
WAITING_S = 2.0
"""An input or output that is silent for longer is reported."""
UNWANTED = 'nobody_listens'
"""Reason of frames that are dropped because nobody wants their output."""


class Diagnostics:
    """
    Publishes the state of a node periodically.

    :param node: the node
    :param statistics: its counters
    :param topics: its inputs and outputs
    :param period_s: returns the time between reports; 0 is off
    :param state: returns the lifecycle state
    :param expected_rate_hz: returns the output rate below which to warn; 0 is off
    :param facts: returns further values, such as scale health
    :param warnings: returns further reasons to warn
    :param advice: returns why frames are dropped and what to do, by the reasons to report where
        no other frame comes out
    :param hardware_id: returns the subject of the report: the frame of the camera
    """

    def __init__(
        self,
        node: Node,
        statistics: Statistics,
        topics: Topics,
        *,
        period_s: Callable[[], float],
        state: Callable[[], str],
        expected_rate_hz: Callable[[], float] = lambda: 0.0,
        facts: Callable[[], dict[str, str]] = dict,
        warnings: Callable[[], list[str]] = list,
        advice: Callable[[], dict[str, str]] = dict,
        hardware_id: Callable[[], str] = str,
    ) -> None:
        self._node, self._statistics, self._topics = node, statistics, topics
        self._period_s, self._expected_rate_hz = period_s, expected_rate_hz
        self._state, self._facts, self._warnings = state, facts, warnings
        self._advice, self._hardware_id = advice, hardware_id
        self._told: set[str] = set()
        self._awaited: set[str] = set()
        self._reported_at_s = 0.0
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)
        # A paused simulation must not silence the reports, hence the steady clock.
        node.create_timer(0.1, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _tick(self) -> None:
        now_s, period_s = time.monotonic(), self._period_s()
        if period_s > 0.0 and now_s - self._reported_at_s >= period_s:
            self._reported_at_s = now_s
            self.publish()

    def publish(self) -> None:
        """Publish a report now."""
        snapshot = self._statistics.snapshot()
        status = DiagnosticStatus(
            name=f'{self._node.get_fully_qualified_name()}: frames',
            hardware_id=self._hardware_id(),
        )
        problems = self._problems(snapshot)
        status.level = DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        if snapshot.error_age_s is not None and snapshot.error_age_s < RECENT_S:
            status.level = DiagnosticStatus.ERROR
            problems.insert(0, snapshot.last_error)
        status.message = '; '.join(problems) or f'{snapshot.rate_hz:.1f} Hz'
        status.values = [
            KeyValue(key=key, value=value)
            for key, value in {**self._values(snapshot), **self._facts()}.items()
        ]
        message = DiagnosticArray(status=[status])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def close(self) -> None:
        """Publish a last report, and log what became of the frames of a node that was loaded."""
        self.publish()
        if self._state() in ('inactive', 'active'):
            counts = self._statistics.snapshot()
            line = frames_line(counts.received, counts.done, counts.dropped)
            self._node.get_logger().info(line)

    def _problems(self, snapshot: Snapshot) -> list[str]:
        problems = [*self._warnings(), *self._topics.incompatible]
        if self._state() != 'active':
            self._awaited.clear()
            return problems
        problems += self._silent_inputs() or self._all_lost(snapshot)
        expected_hz = self._expected_rate_hz()
        is_due = snapshot.input_s > WAITING_S and UNWANTED not in snapshot.lost
        if expected_hz and is_due and snapshot.rate_hz < 0.9 * expected_hz:
            problems.append(f'output at {snapshot.rate_hz:.1f} Hz, {expected_hz:g} Hz expected')
        return problems

    def _silent_inputs(self) -> list[str]:
        """Return which inputs the node waits for, and log each once until it is heard."""
        lines = {line.partition(': ')[0]: line for line in self._topics.waiting_for(WAITING_S)}
        for awaited in lines.keys() - self._awaited:
            self._node.get_logger().info(lines[awaited])
        self._awaited = set(lines)
        return list(lines.values())

    def _all_lost(self, snapshot: Snapshot) -> list[str]:
        """Return why no frame comes out, and log each reason once until one does."""
        if snapshot.silent_s <= WAITING_S:
            self._told.clear()
            return []
        total = sum(count for reason, count in snapshot.lost.items() if reason != UNWANTED)
        lines = {
            reason: f'{snapshot.lost[reason]} of {total} frames {reason}: {advice}'
            for reason, advice in self._advice().items()
            if reason in snapshot.lost
        }
        for reason in lines.keys() - self._told:
            self._node.get_logger().warning(lines[reason])
        self._told |= set(lines)
        return list(lines.values())

    def _values(self, snapshot: Snapshot) -> dict[str, str]:
        age_s = snapshot.input_age_s
        return {
            'state': self._state(),
            'frames_in': str(snapshot.received),
            'frames_out': str(snapshot.done),
            'rate_hz': f'{snapshot.rate_hz:.2f}',
            'input_age_s': 'none yet' if age_s is None else f'{age_s:.2f}',
            **{
                f'latency_{name}_ms': f'{value:.2f}' for name, value in snapshot.latency_ms.items()
            },
            **{
                f'stamp_latency_{name}_ms': f'{value:.2f}'
                for name, value in snapshot.stamp_latency_ms.items()
            },
            **{f'stage_{name}_ms': f'{value:.2f}' for name, value in snapshot.stage_ms.items()},
            **{f'dropped_{reason}': str(count) for reason, count in snapshot.dropped.items()},
            'last_error': snapshot.last_error,
        }
