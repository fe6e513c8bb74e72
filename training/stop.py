# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ending a run early without losing a step: a time limit, or SIGTERM from a scheduler."""

import signal
import time
from types import FrameType
from typing import Any

from accelerate import Accelerator
import torch


class Stop:
    """
    Notices that the run is to end; the loop saves and leaves after the step at hand.

    :param after_min: minutes from now; 0 is no limit
    """

    def __init__(self, after_min: float) -> None:
        self._after_s = after_min * 60.0
        self._began = time.monotonic()
        self._previous: Any = None
        self.reason = ''

    def __enter__(self) -> 'Stop':
        try:
            self._previous = signal.signal(signal.SIGTERM, self._terminated)
        except ValueError:  # not the main thread, which alone hears signals
            self._previous = None
        return self

    def __exit__(self, *exception: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGTERM, self._previous)

    def asked(self, accelerator: Accelerator) -> bool:
        """Whether to end now; all processes get the same answer."""
        if self._after_s and time.monotonic() - self._began >= self._after_s:
            self.reason = self.reason or f'{self._after_s / 60.0:g} minutes are over'
        if accelerator.num_processes == 1:
            return bool(self.reason)
        flag = torch.tensor(float(bool(self.reason)), device=accelerator.device)
        asked = bool(accelerator.reduce(flag, 'sum') > 0)
        if asked:
            self.reason = self.reason or 'another process was asked to stop'
        return asked

    def _terminated(self, number: int, frame: FrameType | None) -> None:
        self.reason = 'SIGTERM'
