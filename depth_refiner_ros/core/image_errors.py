# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The errors of one depth map; evaluation, validation and the commands all compare by this."""

import math

from depth_refiner_ros.core.edge_metrics import annotated_edge_metrics, edge_metrics, EdgeMetrics
from depth_refiner_ros.core.metrics import depth_metrics, DepthMetrics
import torch

EDGES = ('none', 'pdbe', 'annotated')
WIDEST_M = (1e-3, math.inf)


def image_errors(
    pred_m_HW: torch.Tensor,
    gt_m_HW: torch.Tensor,
    valid_HW: torch.Tensor | None = None,
    *,
    range_m: tuple[float, float] = WIDEST_M,
    edges: str = 'pdbe',
    edge_truth_HW: torch.Tensor | None = None,
) -> tuple[DepthMetrics, EdgeMetrics | None]:
    """
    Compare a depth map with ground truth, without any alignment.

    :param pred_m_HW: predicted depth in metres, NaN where there is none
    :param gt_m_HW: true depth in metres, NaN where unknown
    :param valid_HW: bool, where depth is compared; boundaries are compared everywhere
    :param range_m: see :func:`~.metrics.depth_metrics`
    :param edges: one of :data:`EDGES`: no boundary error, the pseudo one of depth, or the one
        against annotated edges
    :param edge_truth_HW: depth whose boundaries are the true ones, by default the ground truth;
        with ``annotated`` the annotated edges, None if there are none
    :return: depth errors and boundary errors, None for the latter where there are none to compute
    :raises InputError: if shapes or dtypes do not match
    """
    depth = depth_metrics(pred_m_HW, gt_m_HW, valid_HW, range_m=range_m)
    if edges == 'annotated' and edge_truth_HW is not None:
        return depth, annotated_edge_metrics(pred_m_HW, edge_truth_HW)
    if edges == 'pdbe':
        return depth, edge_metrics(pred_m_HW, gt_m_HW if edge_truth_HW is None else edge_truth_HW)
    return depth, None
