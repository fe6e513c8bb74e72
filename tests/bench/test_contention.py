# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Detection of other processes on the cores that are used."""

import os
import subprocess
import sys
import time

from depth_refiner_ros.bench import contention
from depth_refiner_ros.bench.contention import busy_s, Contention
import pytest

TICKS = os.sysconf('SC_CLK_TCK')
STAT = f"""cpu  900 0 0 900 0 0 0 0 0 0
cpu0 {3 * TICKS} {TICKS} {TICKS} 9999 9999 0 {TICKS} {TICKS} 5 5
cpu1 {2 * TICKS} 0 0 9999 0 {TICKS} 0 0 0 0
intr 5
"""


def test_busy_time_is_all_but_idle_and_waiting():
    assert busy_s(STAT, {0}) == pytest.approx(7.0)
    assert busy_s(STAT, {0, 1}) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ('stat', 'cores'), [(STAT, {0, 7}), ('', {0}), ('cpu0 1 2\n', {0}), ('cpu0' + ' 0' * 10, {0})]
)
def test_a_system_that_does_not_count_says_nothing(stat, cores):
    assert busy_s(stat, cores) is None


def watched(monkeypatch, tmp_path, *, busy_s, own_s, load=0.1, elapsed_s=10.0):
    """Return the observation after two cores were busy for this long within ten seconds."""
    stat, clock, own = (
        tmp_path / 'stat',
        iter((100.0, 100.0 + elapsed_s)),
        iter((5.0, 5.0 + own_s)),
    )
    line = 'cpu{} {} 0 0 0 0 0 0 0\n'
    stat.write_text(line.format(0, 1) + line.format(1, 1))
    monkeypatch.setattr(contention, 'STAT', stat)
    monkeypatch.setattr(contention, '_usable_cores', lambda: {0, 1})
    monkeypatch.setattr(contention, '_own_s', lambda: next(own))
    monkeypatch.setattr(time, 'monotonic', lambda: next(clock))
    monkeypatch.setattr(os, 'getloadavg', lambda: (load, 0.0, 0.0))
    with Contention() as seen:
        if busy_s is None:
            stat.write_text('')
        else:
            stat.write_text(line.format(0, 1 + round(busy_s * TICKS)) + line.format(1, 1))
    return seen


def test_what_others_take_is_told(monkeypatch, tmp_path):
    seen = watched(monkeypatch, tmp_path, busy_s=14.0, own_s=8.0, load=3.25)
    assert seen.others_share == pytest.approx(0.3, abs=0.01)
    assert seen.warning().startswith('warning: other processes used 30% of 2 cores')
    assert 'load average at the start 3.2' in seen.warning()
    assert seen.facts()['cores'] == 2


def test_ones_own_work_is_no_contention(monkeypatch, tmp_path):
    seen = watched(monkeypatch, tmp_path, busy_s=19.0, own_s=18.5, load=9.0)
    assert seen.others_share == pytest.approx(0.025, abs=0.01)
    assert seen.warning() == ''


@pytest.mark.parametrize(('load', 'warns'), [(0.9, False), (1.2, True)])
def test_where_nothing_is_counted_the_load_average_decides(monkeypatch, tmp_path, load, warns):
    seen = watched(monkeypatch, tmp_path, busy_s=None, own_s=1.0, load=load)
    assert seen.others_share is None
    assert bool(seen.warning()) is warns


def test_a_moment_is_too_short_to_count(monkeypatch, tmp_path):
    seen = watched(monkeypatch, tmp_path, busy_s=0.1, own_s=0.0, elapsed_s=0.1)
    assert seen.others_share is None


@pytest.mark.skipif(busy_s(contention.STAT.read_text(), {0}) is None, reason='no counters here')
def test_a_real_process_beside_is_seen():
    cores = len(os.sched_getaffinity(0))
    spin = 'import time\nend = time.monotonic() + 60\nwhile time.monotonic() < end: pass'
    spinning = [subprocess.Popen([sys.executable, '-c', spin]) for _ in range(cores)]
    try:
        time.sleep(1.0)  # until they have started
        with Contention() as seen:
            time.sleep(1.0)
    finally:
        for process in spinning:
            process.kill()
            process.wait()
    assert seen.others_share > 0.5
    assert 'other processes used' in seen.warning()
