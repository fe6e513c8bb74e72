# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Join messages of several topics by stamp, and report those without a partner."""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs import message_sync

try:
    import message_filters
except ImportError:
    message_filters = None

FILTERS = message_filters or message_sync
FAR_SETS = 5
"""Sets in a row whose messages lie far apart until that is reported."""
STRICT_SLOP_S = 1e-9
"""Added to the slop of ``message_filters``, which refuses a gap equal to its slop."""


class StampJoin:
    """
    Joins messages whose stamps are equal or near.

    When time moves back, as in a looped bag, all waiting messages are dropped; ``message_filters``
    would keep the old ones and discard every new one.

    :param names: of the streams; every message of the last one is emitted or reported
    :param tolerance_ms: largest gap of stamps
    :param queue: messages of each stream that may wait
    :param on_set: called with a message of each stream, in order; it may only store
    :param on_drop: called with the header of each message of the last stream without a partner
    :param on_far: called with one line if messages are joined with those of the frame before: in
        a tolerance of more than half the period, one that is lost shifts all that follow
    :param filters: module with the synchronisers; ``message_filters`` if it is installed
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        tolerance_ms: float,
        queue: int,
        on_set: Callable[..., None],
        on_drop: Callable[[Any], None],
        on_far: Callable[[str], object] = lambda line: None,
        filters: ModuleType = FILTERS,
    ) -> None:
        self._names = list(names)
        self._tolerance_s = tolerance_ms * 1e-3 + STRICT_SLOP_S
        self._queue = queue
        self._on_set, self._on_drop, self._on_far = on_set, on_drop, on_far
        self._period_ns = self._far_sets = 0
        self._filters = filters
        self._pending: dict[int, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Drop all waiting messages."""
        self._last_ns: dict[str, int] = {}
        self._drop_until(None)
        self._inputs = {name: self._filters.SimpleFilter() for name in self._names}
        joined = self._filters.ApproximateTimeSynchronizer(
            list(self._inputs.values()), self._queue, self._tolerance_s
        )
        joined.registerCallback(self._emit)

    def add(self, name: str, message: Any) -> None:
        """Add a message."""
        stamp_ns = stamp_ns_of(message.header)
        if stamp_ns < self._last_ns.get(name, stamp_ns):
            self.reset()
        before_ns, self._last_ns[name] = self._last_ns.get(name, stamp_ns), stamp_ns
        if name == self._names[-1]:
            self._period_ns = stamp_ns - before_ns
            self._pending[stamp_ns] = message.header
            while len(self._pending) > self._queue:
                self._on_drop(self._pending.pop(min(self._pending)))
        self._inputs[name].signalMessage(message)

    def _emit(self, *messages: Any) -> None:
        stamp_ns = stamp_ns_of(messages[-1].header)
        self._pending.pop(stamp_ns, None)
        self._drop_until(stamp_ns)
        self._tell_if_far([abs(stamp_ns_of(each.header) - stamp_ns) for each in messages])
        self._on_set(*messages)

    def _tell_if_far(self, gaps_ns: list[int]) -> None:
        """Report once that messages are joined which another one lies nearer to."""
        is_far = 0 < self._period_ns < 2 * max(gaps_ns)
        self._far_sets = self._far_sets + 1 if is_far else 0
        if self._far_sets == FAR_SETS:
            name = self._names[gaps_ns.index(max(gaps_ns))]
            self._on_far(
                f'{name} is {max(gaps_ns) * 1e-6:.1f} ms away from the {self._names[-1]} it is '
                f'joined with, which comes every {self._period_ns * 1e-6:.1f} ms; set '
                'sync_tolerance_ms below half of that'
            )
            self._on_far = lambda line: None

    def _drop_until(self, stamp_ns: int | None) -> None:
        for passed_ns in sorted(self._pending):
            if stamp_ns is None or passed_ns < stamp_ns:
                self._on_drop(self._pending.pop(passed_ns))
