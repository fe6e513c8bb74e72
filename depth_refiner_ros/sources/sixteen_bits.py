# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert color and gray images with 10 to 16 bits in 16-bit values to 8 bits."""

from collections.abc import Callable

import cv2
from depth_refiner_ros.core.errors import SettingsError
import numpy as np

LEAST_BITS = 8
USUAL_BITS = (10, 12, 14, 16)
"""Bit depths of sensors; few of them fill all 16 bits of the format."""


class BitRange:
    """
    Converts 16-bit images to 8 bits by the range that their values really use.

    The range is given, or found from the brightest value so far. It never shrinks, so that the
    brightness of a sequence stays steady.

    :param bits: 8 to 16; 0 finds them
    :param log: called with one line when the range is found, and when a brighter image widens it
    :raises SettingsError: for 1 to 7 bits
    """

    def __init__(self, bits: int = 0, log: Callable[[str], None] = lambda line: None) -> None:
        if 0 < bits < LEAST_BITS:
            raise SettingsError(
                f'image_bits = {bits} must be {LEAST_BITS} to 16, or 0 to find them from the '
                'brightest value'
            )
        self._found, self._log = bits == 0, log
        self.bits = bits

    def to_uint8(self, values: np.ndarray) -> np.ndarray:
        """
        Return uint16 values as uint8, full range to full range.

        :param values: uint16 of any shape
        """
        if self._found:
            self._widen(int(values.max(initial=0)))
        # All-black images at the start are 0 for any range.
        return cv2.convertScaleAbs(values, alpha=255.0 / (2 ** (self.bits or 16) - 1))

    def _widen(self, brightest: int) -> None:
        if brightest < 2**self.bits:
            return
        self.bits = next(bits for bits in USUAL_BITS if brightest < 2**bits)
        self._log(
            f'16-bit images use {self.bits} bits (brightest value so far {brightest}); '
            'image_bits sets another range'
        )
