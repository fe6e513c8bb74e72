# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Time the stages of a frame without making the host wait for the GPU after each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
import time

import torch

Events = tuple[torch.cuda.Event, torch.cuda.Event]
CLOCK = ContextVar[Callable[[], float]]('CLOCK', default=time.perf_counter)
"""What stages on a CPU are timed by, in seconds; benchmarks may set another one."""


@contextmanager
def stages_timed_by(read_s: Callable[[], float]) -> Iterator[None]:
    """Time the stages on a CPU inside by another clock."""
    token = CLOCK.set(read_s)
    try:
        yield
    finally:
        CLOCK.reset(token)


class StageTimes(Mapping[str, float]):
    """
    Milliseconds by stage, in the order of the stages.

    On a GPU a stage is enclosed by two CUDA events. Only reading its time waits until the stage
    is done. On a CPU it is timed by :data:`CLOCK`.

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
            read_s = CLOCK.get()
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
