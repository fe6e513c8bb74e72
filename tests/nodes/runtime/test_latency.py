# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.nodes.runtime.latency import Statistics, Stopwatch, WINDOW, Window
import numpy as np
import pytest


def test_percentiles_of_known_values():
    window = Window()
    assert window.percentiles() == {}
    for value in range(101):
        window.add(float(value))
    assert window.percentiles() == {'p50': 50.0, 'p95': 95.0, 'p99': 99.0}


def test_the_window_forgets():
    window = Window()
    for _ in range(WINDOW):
        window.add(1000.0)
    for _ in range(WINDOW):
        window.add(1.0)
    assert window.percentiles() == {'p50': 1.0, 'p95': 1.0, 'p99': 1.0}


def test_rate_counts_intervals_of_late():
    window = Window()
    assert window.rate_hz(0.0) == 0.0
    for tick in range(11):
        window.add(tick * 0.1)
    assert window.rate_hz(1.0) == pytest.approx(10.0)
    assert window.rate_hz(100.0) == 0.0


def test_stopwatch_adds_up_stages():
    watch = Stopwatch()
    for _ in range(2):
        with watch.stage('work'):
            np.linalg.svd(np.ones((60, 60)))
    assert list(watch.stages_ms) == ['work']
    assert 0.0 < watch.stages_ms['work'] <= watch.total_ms


def test_statistics_count_by_reason():
    statistics = Statistics()
    assert statistics.snapshot().input_age_s is None
    assert statistics.snapshot().error_age_s is None
    for _ in range(3):
        statistics.receive()
    statistics.drop('superseded')
    statistics.drop('bad_input', 'too short')
    statistics.drop('superseded')
    statistics.finish(latency_ms=10.0, stamp_latency_ms=12.0, stages_ms={'decode': 1.0})
    statistics.finish(latency_ms=20.0, stamp_latency_ms=4e12, stages_ms={'decode': 3.0})
    seen = statistics.snapshot()
    assert (seen.received, seen.done) == (3, 2)
    assert seen.dropped == {'superseded': 2, 'bad_input': 1}
    assert seen.last_error == 'too short'
    assert 0.0 <= seen.error_age_s < 60.0
    assert seen.latency_ms['p50'] == 15.0
    assert seen.stage_ms == {'decode': 2.0}
    assert 0.0 <= seen.input_age_s < 60.0
    # The second stamp is plainly a recording's: it says nothing about latency.
    assert seen.stamp_latency_ms['p99'] == 12.0
