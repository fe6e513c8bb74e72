# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The record of one training image, and the protocol of a set of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Sample:
    """
    One image with what is known about it.

    :param rgb_HW3: uint8
    :param depth_m_HW: along Z in metres, of the image's size, 0 or NaN where unknown; None for a
        set of images alone
    :param intrinsics: of the image; None if unknown
    :param prior_m_hw: a prior's prediction in metres at its own size, where one is stored
    :param edges_HW: annotated depth edges, not 0 where there is one; None where none are drawn
    :param name: file or number, for messages
    """

    rgb_HW3: np.ndarray
    depth_m_HW: np.ndarray | None = None
    intrinsics: Intrinsics | None = None
    prior_m_hw: np.ndarray | None = None
    edges_HW: np.ndarray | None = None
    name: str = ''


class SampleSet(Protocol):
    """Images by number; the same number gives the same image in every process."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, index: int) -> Sample:
        """
        Read an image.

        :raises FrameError: where this one cannot be used; others can
        """


class Window:
    """
    Some of the images of a set.

    :param numbers: which ones
    """

    def __init__(self, samples: SampleSet, numbers: Sequence[int]) -> None:
        self._samples, self._numbers = samples, numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[self._numbers[index]]
