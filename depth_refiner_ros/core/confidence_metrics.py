# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether confidence is low where depth is wrong."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

from depth_refiner_ros.core.metrics import DELTA_BASE
import torch

SURE = 0.5
"""Confidence from which depth is taken for more likely right than wrong."""


@dataclass(frozen=True, kw_only=True)
class ConfidenceFigures:
    """
    Confidence beside the errors of one image; shares are of its compared pixels.

    :param mean: confidence, which is meant as the probability of the next
    :param right: share of pixels within a factor of 1.25 of the truth
    :param sure: share of pixels of confidence :data:`SURE` or more
    :param sure_abs_rel: AbsRel of these, None without any
    :param unsure_abs_rel: AbsRel of the others, None without any
    """

    mean: float
    right: float
    sure: float
    sure_abs_rel: float | None
    unsure_abs_rel: float | None


def confidence_figures(
    confidence_HW: torch.Tensor, depth_m_HW: torch.Tensor, truth_m_HW: torch.Tensor
) -> ConfidenceFigures | None:
    """
    Compare confidence with the errors of depth.

    :param confidence_HW: in 0..1
    :param depth_m_HW: metres, NaN where there is none
    :param truth_m_HW: metres, NaN where unknown
    :return: None if no pixel has both depth and truth
    """
    compared = torch.isfinite(depth_m_HW) & torch.isfinite(truth_m_HW) & (truth_m_HW > 0)
    depth_N, truth_N = depth_m_HW[compared].double(), truth_m_HW[compared].double()
    if not len(truth_N):
        return None
    confidence_N = confidence_HW[compared].double()
    right_N = torch.maximum(depth_N / truth_N, truth_N / depth_N) < DELTA_BASE
    error_N, sure_N = (depth_N - truth_N).abs() / truth_N, confidence_N >= SURE
    return ConfidenceFigures(
        mean=float(confidence_N.mean()),
        right=float(right_N.double().mean()),
        sure=float(sure_N.double().mean()),
        sure_abs_rel=_mean(error_N[sure_N]),
        unsure_abs_rel=_mean(error_N[~sure_N]),
    )


def mean_confidence_figures(images: Sequence[ConfidenceFigures]) -> dict[str, float | None]:
    """
    Return the mean of each figure over the images that have it, None where none has.

    :return: with ``sure_from``, the confidence from which a pixel counts as sure
    """
    rows = [asdict(image) for image in images]
    means: dict[str, float | None] = {'sure_from': SURE}
    for name in (figure.name for figure in fields(ConfidenceFigures)):
        known = [row[name] for row in rows if row[name] is not None]
        means[name] = sum(known) / len(known) if known else None
    return means


def _mean(values_N: torch.Tensor) -> float | None:
    return float(values_N.mean()) if len(values_N) else None
