"""Prior and refined depth against ground truth, side by side."""

from collections.abc import Mapping
from typing import Any

from depth_refiner_ros.core.edge_metrics import edge_metrics
from depth_refiner_ros.core.metrics import depth_metrics, MetricMean
import numpy as np
import torch

FIGURES = ('abs_rel', 'rmse_m', 'si_log', 'delta1', 'dbe_acc_px', 'dbe_compl_px')


class Comparison:
    """Gathers the errors of prior and refined depth over frames."""

    def __init__(self) -> None:
        self.frames = 0
        self._means = {'prior': MetricMean(), 'refined': MetricMean()}

    def add(self, prior_m_HW: np.ndarray, refined_m_HW: np.ndarray,
            truth_m_HW: np.ndarray) -> dict[str, dict[str, float | None]]:
        """
        Take in one frame.

        :return: the errors of this frame
        """
        self.frames += 1
        truth = torch.from_numpy(np.ascontiguousarray(truth_m_HW))
        alone = {}
        for name, depth_m_HW in (('prior', prior_m_HW), ('refined', refined_m_HW)):
            depth = torch.from_numpy(np.ascontiguousarray(depth_m_HW))
            errors = depth_metrics(depth, truth), edge_metrics(depth, truth)
            self._means[name].add(*errors)
            frame = MetricMean()
            frame.add(*errors)
            alone[name] = _figures(frame.mean())
        return alone

    def result(self) -> dict[str, Any]:
        """Give means, number of frames, spread between frames and counts, ready for JSON."""
        summaries = {name: mean.summary() for name, mean in self._means.items()}
        return {**{name: _figures(mean.mean()) for name, mean in self._means.items()},
                'frames': self.frames,
                'std': {name: _figures(mean.std()) for name, mean in self._means.items()},
                'counts': {name: summary['counts'] for name, summary in summaries.items()}}


def _figures(values: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: values[name] for name in FIGURES}
