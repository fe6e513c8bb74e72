# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Prepare refined depth for publication: remove unreliable pixels, apply REP-117."""

import math

from depth_refiner_ros.core.edges import flying_pixels
from depth_refiner_ros.core.types import RefinedDepth
from depth_refiner_ros.settings.fusion import EdgeFilterSettings
from depth_refiner_ros.settings.published import PublishedSettings
import torch


def published_depth(result: RefinedDepth, settings: PublishedSettings) -> torch.Tensor:
    """
    Return the depth to publish.

    :return: ``depth_m_HW``; NaN where unknown, and out of range the value of ``out_of_range``: the
        infinities of REP-117, NaN, or 0 (then also where unknown)
    """
    depth_m_B1HW = result.depth_m_B1HW
    rejected_B1HW = unreliable(
        depth_m_B1HW, result.confidence_B1HW, settings.min_confidence, settings.edge_filter
    )
    kept_m_B1HW = torch.where(rejected_B1HW, math.nan, depth_m_B1HW)
    return ranged(kept_m_B1HW, settings)[0, 0]


def unreliable(
    depth_m_B1HW: torch.Tensor,
    confidence_B1HW: torch.Tensor | None,
    min_confidence: float,
    edges: EdgeFilterSettings,
) -> torch.Tensor:
    """Return a mask of flying pixels and of those of low confidence."""
    rejected_B1HW = torch.zeros_like(depth_m_B1HW, dtype=torch.bool)
    if edges.enable:
        rejected_B1HW = flying_pixels(
            depth_m_B1HW, rel_jump=edges.rel_jump, dilate_px=edges.dilate_px
        )
    if confidence_B1HW is not None and min_confidence > 0.0:
        rejected_B1HW = rejected_B1HW | ~(confidence_B1HW >= min_confidence)
    return rejected_B1HW


def ranged(depth_m_B1HW: torch.Tensor, settings: PublishedSettings) -> torch.Tensor:
    """Replace depth that is too near or too far (REP-117: -Inf, +Inf)."""
    unknown_m = settings.unknown_m
    as_rep117 = settings.out_of_range == 'inf'
    near, far = (-math.inf, math.inf) if as_rep117 else (unknown_m, unknown_m)
    depth_m_B1HW = torch.where(depth_m_B1HW < settings.min_range_m, near, depth_m_B1HW)
    depth_m_B1HW = torch.where(depth_m_B1HW > settings.max_range_m, far, depth_m_B1HW)
    return depth_m_B1HW if math.isnan(unknown_m) else depth_m_B1HW.nan_to_num(nan=unknown_m)
