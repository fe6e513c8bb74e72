# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Depth errors of one image and their mean over images.

AbsRel, RMSE, SILog and delta 1 to 3 as Marigold and SharpDepth compute them: per image over valid
ground truth, prediction clipped to the data set's range, then averaged over images.
"""

from dataclasses import dataclass
import math

from depth_refiner_ros.core.checks import check_plane, check_same_shape
from depth_refiner_ros.core.edge_metrics import EdgeMetrics
from depth_refiner_ros.core.errors import InputError
import torch

MIN_DEPTH_M = 1e-6
DELTA_BASE = 1.25
DEPTH_FIGURES = ('abs_rel', 'rmse_m', 'si_log', 'delta1', 'delta2', 'delta3')
EDGE_FIGURES = ('dbe_acc_px', 'dbe_compl_px')
FIGURES = DEPTH_FIGURES + EDGE_FIGURES
"""All figures that :class:`MetricMean` averages; reports and summaries show some of them."""


@dataclass(frozen=True, kw_only=True)
class DepthMetrics:
    """
    Errors of one image; all NaN if no pixel could be compared.

    :param abs_rel: mean of |p - g| / g
    :param rmse_m: root mean square error in metres
    :param si_log: 100 x standard deviation of log p - log g
    :param delta1: share of pixels with max(p / g, g / p) < 1.25
    :param delta2: the same below 1.25 squared
    :param delta3: the same below 1.25 cubed
    :param pixels: compared pixels
    :param missing: pixels with ground truth but without a prediction, left out of the means
    :param clipped: compared pixels whose prediction was moved into the range
    """

    abs_rel: float
    rmse_m: float
    si_log: float
    delta1: float
    delta2: float
    delta3: float
    pixels: int
    missing: int
    clipped: int


def depth_metrics(
    pred_m_HW: torch.Tensor,
    gt_m_HW: torch.Tensor,
    valid_HW: torch.Tensor | None = None,
    *,
    range_m: tuple[float, float] = (1e-3, math.inf),
    clip: bool = True,
) -> DepthMetrics:
    """
    Compare one predicted depth map with ground truth, without any alignment.

    :param pred_m_HW: predicted depth in metres; NaN is 'no prediction', +inf is beyond range
    :param gt_m_HW: true depth in metres; NaN, inf and values outside the range are left out
    :param valid_HW: bool, pixels to compare (evaluation crop, sensor mask)
    :param range_m: least and greatest depth of the data set, e.g. (1e-3, 10) for NYU
    :param clip: move predictions into the range; they are kept above 1e-6 m in any case
    :return: the errors with their pixel counts
    :raises InputError: if shapes, dtypes or the range do not fit
    """
    check_plane('prediction', pred_m_HW)
    check_same_shape('ground truth', gt_m_HW, 'prediction', pred_m_HW)
    check_plane('ground truth', gt_m_HW)
    low_m, high_m = range_m
    if not 0.0 <= low_m < high_m:
        raise InputError(f'range = {range_m} m must be two depths, the lesser first')
    truth_HW = torch.isfinite(gt_m_HW) & (gt_m_HW > low_m) & (gt_m_HW < high_m)
    if valid_HW is not None:
        check_same_shape('valid', valid_HW, 'prediction', pred_m_HW)
        truth_HW = truth_HW & valid_HW.bool()
    # Without a far limit to clip to, +inf counts as a missing prediction, as NaN does.
    has_far_limit = clip and math.isfinite(high_m)
    absent_HW = torch.isnan(pred_m_HW) if has_far_limit else ~torch.isfinite(pred_m_HW)
    compared_HW = truth_HW & ~absent_HW
    raw_N, gt_N = pred_m_HW[compared_HW].double(), gt_m_HW[compared_HW].double()
    lowest_m = max(low_m, MIN_DEPTH_M) if clip else MIN_DEPTH_M
    pred_N = raw_N.clamp(min=lowest_m, max=high_m if clip else None)
    missing = int((truth_HW & absent_HW).sum())
    return _errors(pred_N, gt_N, missing=missing, clipped=int((pred_N != raw_N).sum()))


def _errors(
    pred_N: torch.Tensor, gt_N: torch.Tensor, *, missing: int, clipped: int
) -> DepthMetrics:
    difference_N = pred_N - gt_N
    log_ratio_N = pred_N.log() - gt_N.log()
    # Equal to mean(D^2) - mean(D)^2, which could round to a negative number if D is constant.
    log_variance = (log_ratio_N - log_ratio_N.mean()).square().mean()
    ratio_N = torch.maximum(pred_N / gt_N, gt_N / pred_N)
    delta1, delta2, delta3 = (
        float((ratio_N < DELTA_BASE**power).double().mean()) for power in (1, 2, 3)
    )
    return DepthMetrics(
        abs_rel=float((difference_N.abs() / gt_N).mean()),
        rmse_m=float(difference_N.square().mean().sqrt()),
        si_log=100.0 * float(log_variance.sqrt()),
        delta1=delta1,
        delta2=delta2,
        delta3=delta3,
        pixels=gt_N.numel(),
        missing=missing,
        clipped=clipped,
    )


class MetricMean:
    """Averages the errors of images; every image has the same weight."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {name: [] for name in FIGURES}
        self._counts = {
            'frames': 0,
            'empty': 0,
            'edge_frames': 0,
            'edge_fallbacks': 0,
            'pixels': 0,
            'missing_px': 0,
            'clipped_px': 0,
            'guarded_px': 0,
        }
        self._edge_skipped: dict[str, int] = {}
        self._edge_recalls: list[float] = []

    def add(self, depth: DepthMetrics, edges: EdgeMetrics | None = None) -> None:
        """
        Add one image.

        :param depth: its depth errors; an image without compared pixels counts as ``empty``
        :param edges: its boundary errors, None if they were not computed
        """
        self._counts['frames'] += 1
        self._counts['pixels'] += depth.pixels
        self._counts['missing_px'] += depth.missing
        self._counts['clipped_px'] += depth.clipped
        if depth.pixels == 0:
            self._counts['empty'] += 1
        else:
            for name in DEPTH_FIGURES:
                self._values[name].append(getattr(depth, name))
        if edges is not None:
            self._add_edges(edges)

    def _add_edges(self, edges: EdgeMetrics) -> None:
        self._counts['guarded_px'] += edges.guarded
        if edges.dbe_acc_px is None or edges.dbe_compl_px is None or edges.edge_recall is None:
            self._edge_skipped[edges.skipped] = self._edge_skipped.get(edges.skipped, 0) + 1
            return
        self._counts['edge_frames'] += 1
        self._counts['edge_fallbacks'] += edges.fallback
        self._values['dbe_acc_px'].append(edges.dbe_acc_px)
        self._values['dbe_compl_px'].append(edges.dbe_compl_px)
        self._edge_recalls.append(edges.edge_recall)

    def mean(self) -> dict[str, float | None]:
        """Return the mean of each figure over images, None if no image has it."""
        return {name: _mean(values) for name, values in self._values.items()}

    def std(self) -> dict[str, float | None]:
        """Return the standard deviation of each figure over images, None below two images."""
        return {name: _std(values) for name, values in self._values.items()}

    def summary(self) -> dict[str, object]:
        """
        Return everything as a dict for JSON.

        :return: the means by name, then ``std`` (same names), ``edge_recall`` and ``counts``
        """
        counts = {**self._counts, 'edge_skipped': dict(sorted(self._edge_skipped.items()))}
        return {
            **self.mean(),
            'std': self.std(),
            'edge_recall': _mean(self._edge_recalls),
            'counts': counts,
        }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _std(values: list[float]) -> float | None:
    if len(values) < 2:
        return None
    centre = sum(values) / len(values)
    return math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))
