# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Coarse metric alignment of Prior Depth Anything (arXiv 2505.10565, section 3.2).

A network's relative disparity is brought to measured disparity (1/m) in two ways: by one scale and
shift for the whole image, and by those of each pixel, which its nearest measured pixels give. Both
are least squares.

The nearest are found on the CPU, in a k-d tree, by as many threads as torch has: 0.14 s of one
core of an AMD EPYC for 640x480 pixels of which 37 are measured, 0.25 s of 15,000, 0.20 s of
250,000.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
import torch

NEAREST = 5
"""Measured pixels that the scale and shift of a pixel come from."""
RIDGE = 1e-5**2 / 12.0
"""
Added to the variance of relative disparity, so that equal values give their mean.

The authors add noise, uniform from 0 to 1e-5, for this purpose; RIDGE is its variance.
"""


@dataclass(frozen=True, kw_only=True)
class Aligned:
    """
    Relative disparity in 1/m, by both ways; 0 or less is beyond all that was measured.

    :param globally_B1HW: by one scale and shift per image
    :param nearby_B1HW: by those of each pixel; the measured disparity where there is one
    """

    globally_B1HW: torch.Tensor
    nearby_B1HW: torch.Tensor


def align(relative_B1HW: torch.Tensor, measured_B1HW: torch.Tensor) -> Aligned:
    """
    Align the images of a batch, each by itself.

    :param relative_B1HW: disparity up to scale and shift
    :param measured_B1HW: disparity in 1/m, NaN where unknown, known in at least :data:`NEAREST`
        pixels of each image
    """
    pairs = [
        (by_all(relative_HW, measured_HW), by_nearest(relative_HW, measured_HW))
        for relative_HW, measured_HW in zip(relative_B1HW[:, 0], measured_B1HW[:, 0], strict=True)
    ]
    globally, nearby = (torch.stack(maps)[:, None] for maps in zip(*pairs, strict=True))
    return Aligned(globally_B1HW=globally, nearby_B1HW=nearby)


def by_all(relative_HW: torch.Tensor, measured_HW: torch.Tensor) -> torch.Tensor:
    """Return relative disparity with the scale and shift that fit all measured pixels best."""
    known_HW = torch.isfinite(measured_HW)
    x_N, y_N = relative_HW[known_HW], measured_HW[known_HW]
    scale, shift = line(x_N, y_N, torch.ones_like(x_N))
    return scale * relative_HW + shift


def by_nearest(relative_HW: torch.Tensor, measured_HW: torch.Tensor) -> torch.Tensor:
    """
    Return measured disparity, filled by relative one aligned to the nearest measured pixels.

    The inverse of the distance of each multiplies its residual.
    """
    known_HW = torch.isfinite(measured_HW)
    index_QK, distance_QK = nearest(known_HW)
    x_QK, y_QK = relative_HW[known_HW][index_QK], measured_HW[known_HW][index_QK]
    scale_Q, shift_Q = line(x_QK, y_QK, distance_QK**-2)
    filled_HW = measured_HW.clone()
    filled_HW[~known_HW] = scale_Q * relative_HW[~known_HW] + shift_Q
    return filled_HW


def nearest(known_HW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Find the known pixels nearest to each unknown one.

    :return: ``index_QK`` among the known pixels, and ``distance_QK`` in pixels, of the unknown
        ones; both kinds of pixels are counted by rows
    """
    known = known_HW.cpu().numpy()
    distance_QK, index_QK = cKDTree(np.argwhere(known)).query(
        np.argwhere(~known), NEAREST, workers=torch.get_num_threads()
    )
    index, distance = torch.from_numpy(index_QK), torch.from_numpy(distance_QK).float()
    return index.to(known_HW.device), distance.to(known_HW.device)


def line(
    x_QK: torch.Tensor, y_QK: torch.Tensor, weight_QK: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale and shift of y ~ scale x + shift over the last axis, by least squares."""
    share_QK = weight_QK / weight_QK.sum(dim=-1, keepdim=True)
    x_Q, y_Q = (share_QK * x_QK).sum(dim=-1), (share_QK * y_QK).sum(dim=-1)
    off_QK = x_QK - x_Q[..., None]
    covariance_Q = (share_QK * off_QK * (y_QK - y_Q[..., None])).sum(dim=-1)
    scale_Q = covariance_Q / ((share_QK * off_QK.square()).sum(dim=-1) + RIDGE)
    return scale_Q, y_Q - scale_Q * x_Q
