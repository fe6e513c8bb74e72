# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a player in lock-step waits for a frame: it sends again, logs late stages, gives up."""

from collections.abc import Callable
from dataclasses import dataclass
import threading
import time

from depth_refiner_ros.core.errors import SourceError
from depth_refiner_ros.nodes.runtime.lock_step import LockStep

RESEND_S = 5.0
SETTLE_S = 0.5
"""Subscribers discover each other a little later than the player discovers them."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """
    Waits for frames.

    :param lock_step: tracks which stage has finished which frame
    :param timeout_s: for one frame
    :param start_s: for the first frame to have output
    :param ending: set when the player must end
    :param log: called with a line about a stage that is late
    """

    lock_step: LockStep
    timeout_s: float
    start_s: float
    ending: threading.Event
    log: Callable[[str], object]

    def see_through(self, number: int, stamp_ns: int, resend: Callable[[], None]) -> bool:
        """
        Wait until every stage has finished with a frame that was sent.

        :param number: of the frame, from 1
        :param resend: sends it again
        :return: False if it was given up
        :raises SourceError: if the late stage has left the graph
        """
        ended = self._ended(number, stamp_ns, resend)
        deadline_s = time.monotonic() + self.start_s
        # The first frame needs output, as nodes may discover the player before each other.
        while number == 1 and ended and time.monotonic() < deadline_s:
            # Its end and whether it had output arrive on two topics, in any order.
            if self.ending.wait(SETTLE_S) or not self.lock_step.was_skipped(stamp_ns):
                break
            self.lock_step.forget(stamp_ns)
            resend()
            ended = self._ended(number, stamp_ns, resend)
        return ended or self.ending.is_set()

    def _ended(self, number: int, stamp_ns: int, resend: Callable[[], None]) -> bool:
        """
        Wait for the last stage, sending the frame again now and then.

        A message to a process that is not connected yet is lost silently; the stages process a
        repeated frame only once.
        """
        deadline_s = time.monotonic() + self.timeout_s
        while not self.lock_step.wait(stamp_ns, min(RESEND_S, deadline_s - time.monotonic())):
            if self.ending.is_set():
                return False
            late = self.lock_step.late(stamp_ns)
            if time.monotonic() >= deadline_s:
                if late in self.lock_step.absent:
                    raise SourceError(
                        f'{late} has left the graph before it finished frame {number}; its own '
                        'output says why'
                    )
                self.log(
                    f'frame {number} given up: {late} did not finish it within '
                    f'{self.timeout_s:g} s (lock_step_timeout_s)'
                )
                return False
            self.log(f'waiting for {late} to finish frame {number}')
            resend()
        return True
