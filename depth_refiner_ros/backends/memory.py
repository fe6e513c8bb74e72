"""Out of memory: go on with a smaller image where that is allowed, and say so."""

from collections.abc import Callable
from typing import TypeVar

from depth_refiner_ros.backends.base import Log, silent
from depth_refiner_ros.core.errors import BackendError
import torch

Result = TypeVar('Result')
STEP = 0.75
"""Each try has about half the pixels of the one before."""
SMALLEST = 0.2


class FittingSize:
    """
    Remembers how much smaller than asked for images must be.

    :param allowed: whether they may be made smaller at all
    :param log: receives a line for each step
    """

    def __init__(self, allowed: bool, log: Log = silent) -> None:
        self.scale = 1.0
        self._allowed = allowed
        self._log = log

    def settled(self) -> 'FittingSize':
        """Return the size found so far as the only one."""
        fitting = FittingSize(False)
        fitting.scale = self.scale
        return fitting

    def run(self, work: Callable[[float], Result]) -> Result:
        """
        Do work at the largest size that fits.

        :param work: takes the factor on both sides of the image
        :raises BackendError: where memory is too small and nothing smaller is allowed or left
        """
        while True:
            try:
                return work(self.scale)
            except torch.OutOfMemoryError as error:
                reason = str(error).splitlines()[0]
            # Out of the handler: its error would keep the tensors of the failed try alive.
            self._shrink(reason)

    def _shrink(self, reason: str) -> None:
        if not self._allowed:
            raise BackendError(
                f'out of memory: {reason}; use smaller images, a smaller model, '
                'precision:=fp16, or allow_smaller:=true'
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
