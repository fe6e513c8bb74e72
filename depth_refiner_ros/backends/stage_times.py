# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time the stages of a frame without making the host wait for the GPU after each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
import time

import torch

Events = tuple[torch.cuda.Event, torch.cuda.Event]


def cpu_clock() -> Callable[[], float]:
    """
    Return the clock for work on the CPU, in seconds.

    It is that of the wall, but with one thread the CPU time of the process, which other processes
    do not lengthen.
    """
    return time.process_time if torch.get_num_threads() == 1 else time.perf_counter


class StageTimes(Mapping[str, float]):
    """
    Milliseconds by stage, in the order of the stages.

    On a GPU a stage is enclosed by two CUDA events. Only reading its time waits until the stage
    is done. On a CPU it is timed by :func:`cpu_clock`.

    :param device: where the stages run
    """

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == 'cuda'
        self._stages: dict[str, float | Events] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the code inside, on the current stream."""
        if self._cuda:
            begun, done = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begun.record()
            yield
            done.record()
            self._stages[name] = begun, done
        else:
            read_s = cpu_clock()
            begun_s = read_s()
            yield
            self._stages[name] = (read_s() - begun_s) * 1e3

    def __getitem__(self, name: str) -> float:
        taken = self._stages[name]
        if isinstance(taken, tuple):
            begun, done = taken
            done.synchronize()
            taken = self._stages[name] = begun.elapsed_time(done)
        return taken

    def __iter__(self) -> Iterator[str]:
        return iter(self._stages)

    def __len__(self) -> int:
        return len(self._stages)
