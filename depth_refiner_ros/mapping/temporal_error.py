# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Temporal alignment error: how far the depth of a frame is from that of the frame before it.

Video Depth Anything (Chen et al. 2025), equation 7, and the authors' evaluation.
"""

from collections.abc import Iterable

from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.reprojection import reprojected
import numpy as np


class TemporalError:
    """The mean error over the pairs of successive frames; frames are added in their order."""

    def __init__(self) -> None:
        self.pairs = 0
        self._sum = 0.0
        self._last: PosedDepth | None = None

    def cut(self) -> None:
        """Begin a new sequence: the next frame has none before it."""
        self._last = None

    def add(self, view: PosedDepth) -> None:
        """Add the next frame; a pair of frames without a common pixel does not count."""
        last, self._last = self._last, view
        if last is None:
            return
        errors = [error for error in (_error(last, view), _error(view, last)) if error is not None]
        if errors:
            self.pairs += 1
            self._sum += sum(errors) / len(errors)

    @classmethod
    def over(cls, sequences: Iterable['TemporalError']) -> 'TemporalError':
        """Return the error over the pairs of several sequences."""
        total = cls()
        for sequence in sequences:
            total.pairs += sequence.pairs
            total._sum += sequence._sum
        return total

    @property
    def percent(self) -> float | None:
        """Return the error in percent of the depth; None without a pair."""
        return 100.0 * self._sum / self.pairs if self.pairs else None


def _error(source: PosedDepth, target: PosedDepth) -> float | None:
    """Return the mean of ``|seen - moved| / seen``; where points meet, the last one counts."""
    points = reprojected(source, target)
    moved_m_P: np.ndarray = np.zeros(target.depth_m_HW.size)
    moved_m_P[points.pixel_N] = points.depth_m_N
    seen_m_P: np.ndarray = target.depth_m_HW.ravel()
    both = (moved_m_P > 0) & (seen_m_P > 0) & (seen_m_P < np.inf)
    if not both.any():
        return None
    moved_m_P, seen_m_P = moved_m_P[both], seen_m_P[both].astype(np.float64)
    return float(np.mean(np.abs(seen_m_P - moved_m_P) / seen_m_P))
