# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The clock that benchmarks read on the host."""

from collections.abc import Callable
import time

import torch


def host_clock(device: torch.device) -> Callable[[], float]:
    """
    Return the clock for work on a device, in seconds.

    It is that of the wall, but for a CPU with one thread the CPU time of the process, which other
    processes do not lengthen.
    """
    alone = device.type == 'cpu' and torch.get_num_threads() == 1
    return time.process_time if alone else time.perf_counter


def clock(device: torch.device) -> str:
    """Return the name of the clock that times networks on a device."""
    if device.type == 'cuda':
        return 'CUDA events'
    return 'CPU time of one thread' if host_clock(device) is time.process_time else 'wall clock'
