# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Measure how much of the cores other processes use while something is timed."""

import os
from pathlib import Path
import time
from typing import Any

TOO_MUCH = 0.1
"""Share of the cores above which times are longer than on an idle machine."""
TOO_MUCH_LOAD = 0.5
"""The same as load average per core, for systems that do not count their cores' time."""
SHORTEST_S = 0.3
"""The system counts in steps of 10 ms; over a shorter time than this they are too coarse."""
STAT = Path('/proc/stat')
BUSY = (0, 1, 2, 5, 6, 7)
"""Columns of a core's line that are not idle: user, nice, system, irq, softirq, steal."""


class Contention:
    """
    Watches the cores that this process may use until the context is left.

    ``load_average`` is that of the minute before. ``others_share`` is the share of the cores that
    was busy with anything but this process and its ended children, including other virtual
    machines; None if the system does not report it.
    """

    def __init__(self) -> None:
        self.cores = _usable_cores()
        self.load_average = os.getloadavg()[0]
        self.others_share: float | None = None

    def __enter__(self) -> 'Contention':
        self._started_s, self._own_s, self._busy_s = time.monotonic(), _own_s(), self._read()
        return self

    def __exit__(self, *_: object) -> None:
        elapsed_s, busy_s = time.monotonic() - self._started_s, self._read()
        if busy_s is None or self._busy_s is None or elapsed_s < SHORTEST_S:
            return
        others_s = busy_s - self._busy_s - (_own_s() - self._own_s)
        share = others_s / (elapsed_s * len(self.cores))
        self.others_share = min(1.0, max(0.0, share))

    def warning(self) -> str:
        """Return a warning for the user, empty if the cores were free."""
        count = len(self.cores)
        if self.others_share is None:
            busy = self.load_average > TOO_MUCH_LOAD * count
            what = f'the load average on {count} cores was {self.load_average:.1f} at the start'
        else:
            busy = self.others_share > TOO_MUCH
            what = (
                f'other processes used {self.others_share:.0%} of {count} cores while this was '
                f'timed (load average at the start {self.load_average:.1f})'
            )
        return f'warning: {what}; run it again on an idle machine' if busy else ''

    def facts(self) -> dict[str, Any]:
        """Return the values for the result file."""
        return {
            'cores': len(self.cores),
            'others_share': self.others_share,
            'load_average_before': self.load_average,
        }

    def _read(self) -> float | None:
        return busy_s(STAT.read_text(), self.cores) if STAT.is_file() else None


def busy_s(stat: str, cores: set[int]) -> float | None:
    """
    Return the seconds that some cores have been busy since the system started.

    :param stat: content of ``/proc/stat``
    :return: None if a core is missing or the system counts nothing
    """
    lines = {line.split()[0]: line.split()[1:] for line in stat.splitlines() if line}
    rows = [lines.get(f'cpu{core}', ()) for core in cores]
    if not all(len(row) > max(BUSY) for row in rows):
        return None
    ticks = [[int(value) for value in row] for row in rows]
    if not any(map(any, ticks)):
        return None
    return sum(row[place] for row in ticks for place in BUSY) / os.sysconf('SC_CLK_TCK')


def _own_s() -> float:
    """Return the CPU time of this process and of its children that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _usable_cores() -> set[int]:
    if hasattr(os, 'sched_getaffinity'):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))
