# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The clock of the benchmark, and memory."""

import time

from depth_refiner_ros.bench.clocks import clock
from depth_refiner_ros.bench.timing import MemoryPeak, timed_ms
import torch

CPU = torch.device('cpu')


def test_warm_up_is_not_counted():
    called = []
    taken_ms = timed_ms(lambda: called.append(1), CPU, frames=3, warm_up=2)
    assert (len(called), len(taken_ms)) == (5, 3)
    assert min(taken_ms) >= 0.0


def test_one_thread_is_timed_by_its_own_time():
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        (asleep_ms,) = timed_ms(lambda: time.sleep(0.05), CPU, frames=1, warm_up=0)
        assert (clock(CPU), asleep_ms < 25.0) == ('CPU time of one thread', True)
        torch.set_num_threads(2)
        (asleep_ms,) = timed_ms(lambda: time.sleep(0.05), CPU, frames=1, warm_up=0)
        assert (clock(CPU), asleep_ms >= 50.0) == ('wall clock', True)
    finally:
        torch.set_num_threads(threads)


def test_memory_of_a_process_is_some_megabytes():
    with MemoryPeak(CPU) as peak:
        pass
    assert 50 < peak.mib < 1e6
