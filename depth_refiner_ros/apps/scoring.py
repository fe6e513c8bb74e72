# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prior and refined depth against ground truth, side by side."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from depth_refiner_ros.core.confidence_metrics import (
    confidence_figures,
    ConfidenceFigures,
    mean_confidence_figures,
)
from depth_refiner_ros.core.edge_metrics import EdgeMetrics
from depth_refiner_ros.core.image_errors import image_errors
from depth_refiner_ros.core.metrics import DepthMetrics, MetricMean
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.temporal_error import TemporalError
from depth_refiner_ros.report.numbers import METRICS
import numpy as np
import torch

FIGURES = tuple(metric.key for metric in METRICS)
"""What summaries and CSV files hold: the metrics that reports show, in their order."""
COMPARED = ('prior', 'refined')


@dataclass(frozen=True)
class FrameErrors:
    """
    The errors of one frame.

    :param errors: of ``prior`` and of ``refined``
    :param confidence: beside the errors of refined depth, None where it is not compared
    """

    errors: Mapping[str, tuple[DepthMetrics, EdgeMetrics | None]]
    confidence: ConfidenceFigures | None = None

    def figures(self, name: str) -> dict[str, float | None]:
        """Return the figures of ``prior`` or ``refined``."""
        mean = MetricMean()
        mean.add(*self.errors[name])
        return _figures(mean.mean())


def frame_errors(
    prior_m_HW: np.ndarray,
    refined_m_HW: np.ndarray,
    truth_m_HW: np.ndarray,
    confidence_HW: np.ndarray | None = None,
) -> FrameErrors:
    """
    Compare the two depths of a frame with the truth; all in metres, NaN where unknown.

    :param confidence_HW: of refined depth, None if it is not to be compared
    """
    prior, refined, truth = map(_tensor, (prior_m_HW, refined_m_HW, truth_m_HW))
    confidence = None
    if confidence_HW is not None:
        confidence = confidence_figures(_tensor(confidence_HW), refined, truth)
    errors = {'prior': image_errors(prior, truth), 'refined': image_errors(refined, truth)}
    return FrameErrors(errors, confidence)


def _tensor(values_HW: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values_HW))


class Comparison:
    """Means of the errors of prior and refined depth over frames."""

    def __init__(self) -> None:
        self.frames = 0
        self._means = {name: MetricMean() for name in COMPARED}
        self._confidences: list[ConfidenceFigures] = []

    def add(self, frame: FrameErrors | None) -> None:
        """Add the errors of a frame; None stands for a frame without ground truth."""
        if frame is None:
            return
        self.frames += 1
        for name, mean in self._means.items():
            mean.add(*frame.errors[name])
        if frame.confidence is not None:
            self._confidences.append(frame.confidence)

    def result(self) -> dict[str, Any]:
        """
        Return means, number of frames, spread between frames and counts, ready for JSON.

        ``confidence`` is only there if it was compared.
        """
        trust = mean_confidence_figures(self._confidences) if self._confidences else None
        return {
            **{name: _figures(mean.mean()) for name, mean in self._means.items()},
            'frames': self.frames,
            'std': {name: _figures(mean.std()) for name, mean in self._means.items()},
            'counts': {name: mean.summary()['counts'] for name, mean in self._means.items()},
            **({'confidence': trust} if trust else {}),
        }


class Steadiness:
    """
    How well depths of successive frames agree where their poses say that they should.

    :param names: of the depths of a frame that are followed, in the order of :meth:`add`
    """

    def __init__(self, names: Sequence[str] = COMPARED) -> None:
        self._errors = {name: TemporalError() for name in names}

    def add(self, *views: PosedDepth) -> None:
        """Add the next frame, one view for each name."""
        for error, view in zip(self._errors.values(), views, strict=True):
            error.add(view)

    def cut(self) -> None:
        """Begin a new sequence."""
        for error in self._errors.values():
            error.cut()

    @classmethod
    def over(cls, sequences: Iterable['Steadiness']) -> 'Steadiness':
        """Return the agreement over all pairs of several sequences of :data:`COMPARED`."""
        total, parts = cls(), list(sequences)
        for name in COMPARED:
            total._errors[name] = TemporalError.over(part._errors[name] for part in parts)
        return total

    def result(self) -> dict[str, float | None]:
        """Return the temporal alignment errors in percent, None without successive frames."""
        return {name: error.percent for name, error in self._errors.items()}


def _figures(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: values[name] for name in FIGURES}
