# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Align depth without a metric scale to a metric reference (ApDepth eq. 19).

The space of the fit depends on the kind of depth: relative depth is fitted to depth, disparity to
the reference's disparity, and only then inverted, log depth to the reference's.
"""

from collections.abc import Callable

from depth_refiner_ros.core.alignment import fit_robust
from depth_refiner_ros.core.checks import check_map, check_one_of, check_same_shape
from depth_refiner_ros.core.types import DepthKind, ScaleShift
import torch

KINDS = ('metric', 'relative', 'disparity', 'log')
NEAREST_M, FARTHEST_M = 1e-3, 1e3
"""Limits of depth from log depth; the second also of that from disparity, negative or 0, too."""

Fit = Callable[..., ScaleShift]


def to_metres(
    depth_B1HW: torch.Tensor,
    kind: DepthKind,
    reference_m_B1HW: torch.Tensor,
    weight_B1HW: torch.Tensor | None = None,
    *,
    fit: Fit = fit_robust,
    stride: int = 1,
) -> tuple[torch.Tensor, ScaleShift]:
    """
    Align depth to a reference by the pixels where both are known and the weight is set.

    :param depth_B1HW: of this kind; NaN where unknown
    :param kind: ``metric`` and ``relative`` are fitted in metres, ``disparity`` in 1/metres,
        ``log`` to the logarithm of 1 + metres
    :param reference_m_B1HW: metres, NaN where unknown; it may be sparse
    :param weight_B1HW: bool, pixels that take part
    :param fit: :func:`~.alignment.fit_robust` or :func:`~.alignment.fit_scale_shift`
    :param stride: look at every ``stride``-th row and column only
    :return: metres if the fit is usable, and the fit with its status, in the space of the kind
    :raises InputError: if the maps do not match
    """
    check_map('depth', depth_B1HW)
    check_same_shape('reference', reference_m_B1HW, 'depth', depth_B1HW)
    check_one_of('kind', kind, KINDS)
    if kind == 'log':
        found = fit(depth_B1HW, reference_m_B1HW.log1p(), weight_B1HW, stride=stride)
        return found.apply(depth_B1HW).expm1().clamp(NEAREST_M, FARTHEST_M), found
    if kind != 'disparity':
        found = fit(depth_B1HW, reference_m_B1HW, weight_B1HW, stride=stride)
        return found.apply(depth_B1HW), found
    # The inverse of a depth of 0 is infinite and thus excluded from the fit.
    found = fit(depth_B1HW, 1.0 / reference_m_B1HW, weight_B1HW, stride=stride)
    return from_disparity(found.apply(depth_B1HW)), found


def from_disparity(disparity_B1HW: torch.Tensor) -> torch.Tensor:
    """Return metres from 1/metres; values that are not positive become the largest depth."""
    return 1.0 / disparity_B1HW.clamp_min(1.0 / FARTHEST_M)
