# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Counts and times of a node, free of ROS: frames, drops by reason, latencies, stages."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import threading
import time

import numpy as np

WINDOW = 512
"""Number of latest values for percentiles and rates."""
PAUSE_S = 5.0
"""After a longer time without a frame the input begins anew."""
LONGEST_LATENCY_MS = 3_600_000.0
"""Older stamps belong to a recording played without simulated time."""


class Stopwatch:
    """Milliseconds of the stages of one frame."""

    def __init__(self) -> None:
        self.stages_ms: dict[str, float] = {}
        self._start_ns = time.perf_counter_ns()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block; repeated names add up."""
        start_ns = time.perf_counter_ns()
        yield
        spent_ms = (time.perf_counter_ns() - start_ns) * 1e-6
        self.stages_ms[name] = self.stages_ms.get(name, 0.0) + spent_ms

    @property
    def total_ms(self) -> float:
        """Return the time since the start."""
        return (time.perf_counter_ns() - self._start_ns) * 1e-6


class Window:
    """The latest values of one quantity."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=WINDOW)

    def add(self, value: float) -> None:
        """Add a value in place of the oldest."""
        self._values.append(value)

    def percentiles(self) -> dict[str, float]:
        """Return p50, p95 and p99; empty before the first value."""
        if not self._values:
            return {}
        p50, p95, p99 = np.percentile(np.array(self._values), (50, 95, 99))
        return {'p50': float(p50), 'p95': float(p95), 'p99': float(p99)}

    def rate_hz(self, now_s: float, horizon_s: float = 5.0) -> float:
        """Return the rate of time stamps in seconds over the last ``horizon_s``."""
        recent = [value for value in self._values if now_s - value <= horizon_s]
        if len(recent) < 2 or recent[-1] <= recent[0]:
            return 0.0
        return (len(recent) - 1) / (recent[-1] - recent[0])


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """
    The counts of a node at one moment.

    :param received: frames received
    :param done: frames published
    :param dropped: reason to number of frames, most frequent first
    :param lost: the same for the frames since the last output, or since the input began
    :param rate_hz: frames published per second over the last seconds
    :param input_age_s: time since the last frame was received, None before the first
    :param input_s: for how long frames have been arriving
    :param silent_s: for how long frames have been arriving without output
    :param latency_ms: percentiles from arrival to publication
    :param stamp_latency_ms: percentiles from capture stamp to publication
    :param stage_ms: median of each stage
    :param last_error: latest failure, empty if there was none
    :param error_age_s: time since then, None if there was none
    """

    received: int
    done: int
    dropped: dict[str, int]
    lost: dict[str, int]
    rate_hz: float
    input_age_s: float | None
    input_s: float
    silent_s: float
    latency_ms: dict[str, float]
    stamp_latency_ms: dict[str, float]
    stage_ms: dict[str, float]
    last_error: str
    error_age_s: float | None


class Statistics:
    """Counters of one node, which its threads update."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._received = 0
        self._done = 0
        self._dropped: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._began_at_s = 0.0
        self._received_at_s: float | None = None
        self._output_at_s = 0.0
        self._done_at_s = Window()
        self._latency_ms = Window()
        self._stamp_latency_ms = Window()
        self._stages_ms: dict[str, Window] = {}
        self._last_error = ''
        self._error_at_s: float | None = None

    def receive(self) -> None:
        """Count a received frame."""
        with self._lock:
            self._received += 1
            now_s = time.monotonic()
            if self._received_at_s is None or now_s - self._received_at_s > PAUSE_S:
                self._began_at_s = now_s
                self._lost.clear()
            self._received_at_s = now_s

    def drop(self, reason: str, error: str = '') -> None:
        """Count a frame that ends without output, and store the text of its error."""
        with self._lock:
            self._dropped[reason] += 1
            self._lost[reason] += 1
            if error:
                self._last_error, self._error_at_s = error, time.monotonic()

    def finish(
        self, *, latency_ms: float, stamp_latency_ms: float, stages_ms: dict[str, float]
    ) -> None:
        """
        Count a published frame.

        :param latency_ms: from arrival to publication
        :param stamp_latency_ms: from capture stamp to publication; ignored if the stamp
            must be from another clock
        :param stages_ms: time of each stage
        """
        with self._lock:
            self._done += 1
            self._lost.clear()
            self._output_at_s = time.monotonic()
            self._done_at_s.add(self._output_at_s)
            self._latency_ms.add(latency_ms)
            if 0.0 <= stamp_latency_ms < LONGEST_LATENCY_MS:
                self._stamp_latency_ms.add(stamp_latency_ms)
            for name, value in stages_ms.items():
                self._stages_ms.setdefault(name, Window()).add(value)

    def snapshot(self) -> Snapshot:
        """Return the current counts."""
        with self._lock:
            now_s = time.monotonic()
            began_s = self._began_at_s if self._received else now_s
            return Snapshot(
                received=self._received,
                done=self._done,
                dropped=dict(self._dropped.most_common()),
                lost=dict(self._lost),
                rate_hz=self._done_at_s.rate_hz(now_s),
                input_age_s=_age_s(now_s, self._received_at_s),
                input_s=now_s - began_s,
                silent_s=now_s - max(began_s, self._output_at_s),
                latency_ms=self._latency_ms.percentiles(),
                stamp_latency_ms=self._stamp_latency_ms.percentiles(),
                stage_ms={
                    name: window.percentiles()['p50'] for name, window in self._stages_ms.items()
                },
                last_error=self._last_error,
                error_age_s=_age_s(now_s, self._error_at_s),
            )


def _age_s(now_s: float, then_s: float | None) -> float | None:
    return None if then_s is None else now_s - then_s
