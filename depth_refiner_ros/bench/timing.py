# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Comparable timing.

The rules are the same for every network and pipeline: batch 1; the image starts as uint8 on the
device and the result stays there; warm-up calls are not counted. On a GPU two events enclose the
call and a synchronisation follows, so that calls never overlap. On a CPU the wall clock is used,
but with a single thread the CPU time of the process, which other processes do not lengthen.
"""

from collections.abc import Callable
from functools import partial
import gc
import resource
from typing import Any

from depth_refiner_ros.apps.console import say
from depth_refiner_ros.backends.cuda_graph import FrameGraph
from depth_refiner_ros.backends.execution import Execution
from depth_refiner_ros.bench.clocks import host_clock
from depth_refiner_ros.core.errors import BackendError
import torch


def timed_ms(
    call: Callable[[], Any], device: torch.device, *, frames: int, warm_up: int
) -> list[float]:
    """
    Time repeated calls.

    :return: milliseconds of each counted call
    """
    for _ in range(warm_up):
        call()
    read_ms = _gpu_ms if device.type == 'cuda' else partial(_cpu_ms, host_clock(device))
    return [read_ms(call) for _ in range(frames)]


def within_frame(call: Callable[[], Any], execution: Execution) -> Callable[[], Any]:
    """Return a call as it runs within a frame: as a CUDA graph if the whole frame is one."""
    if not execution.whole_frames:
        return call

    def without_results() -> tuple[torch.Tensor, ...]:
        call()
        return ()

    try:
        return FrameGraph(without_results, ())
    except BackendError as error:
        say(f'{error}; timed including kernel launches')
        return call


class MemoryPeak:
    """
    Peak memory of the code inside: the allocator's on a GPU, else the process's resident pages.

    ``mib`` is set on leaving. On a CPU it cannot be reset, so it holds for the whole process.
    """

    mib: float = 0.0

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __enter__(self) -> 'MemoryPeak':
        gc.collect()
        if self._device.type == 'cuda':
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self._device)
        return self

    def __exit__(self, *_: object) -> None:
        if self._device.type == 'cuda':
            self.mib = torch.cuda.max_memory_reserved(self._device) / 2**20
        else:
            self.mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _cpu_ms(read_s: Callable[[], float], call: Callable[[], Any]) -> float:
    begun_s = read_s()
    call()
    return 1e3 * (read_s() - begun_s)


def _gpu_ms(call: Callable[[], Any]) -> float:
    begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    begun.record()
    call()
    ended.record()
    torch.cuda.synchronize()
    return float(begun.elapsed_time(ended))
