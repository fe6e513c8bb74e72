# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""On lack of memory, continue with a smaller image if that is allowed, and log it."""

from collections.abc import Callable
from typing import TypeVar

from depth_refiner_ros.backends.base import Log, silent
from depth_refiner_ros.core.errors import BackendError
import torch

Result = TypeVar('Result')
STEP = 0.75
"""Factor on both sides per try, so that each has about half the pixels of the last."""
SMALLEST = 0.2
SAYS_SO = (
    "can't allocate memory",
    'not enough memory',
    'failed to allocate memory',
    'out of memory',
    'bad allocation',
    'bad_alloc',
)
"""Messages of torch's CPU allocator (by system), ONNX Runtime and CUDA in a RuntimeError."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on a GPU or on the CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in SAYS_SO)


class FittingSize:
    """
    Remembers how much smaller than requested images must be.

    :param allowed: whether they may be made smaller at all
    :param log: called with a line for each step
    """

    def __init__(self, allowed: bool, log: Log = silent) -> None:
        self.scale = 1.0
        self._allowed = allowed
        self._log = log

    def settled(self) -> 'FittingSize':
        """Return a copy that uses the size found so far and no smaller one."""
        fitting = FittingSize(False)
        fitting.scale = self.scale
        return fitting

    def run(self, work: Callable[[float], Result]) -> Result:
        """
        Do work at the largest size that fits.

        :param work: takes the factor on both sides of the image
        :raises BackendError: if memory is too small and no smaller size is allowed or left
        """
        while True:
            try:
                return work(self.scale)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            # Outside the handler: its error would keep the tensors of the failed try alive.
            self._shrink(reason)

    def _shrink(self, reason: str) -> None:
        if not self._allowed:
            raise BackendError(
                f'out of memory: {reason}; use a smaller max_edge_px, a smaller model or '
                'precision, or allow_smaller:=true'
            )
        if self.scale * STEP < SMALLEST:
            raise BackendError(
                f'out of memory even at {self.scale:.2f} of the image size: '
                f'{reason}; use a smaller model'
            )
        self.scale *= STEP
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self._log(f'out of memory: networks now work at {self.scale:.2f} of the image size')
