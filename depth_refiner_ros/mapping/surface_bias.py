# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How far a truncated average lies behind the surface that it averages.

A frame counts at every voxel in front of its depth, but behind it only as far as the truncation
reaches. So where depth errs by as much as that, the frames that came out too near are missing
from the average behind them, and its zero moves away from the camera: at an error of the
truncation distance by 0.2 of it with ``truncation_spread`` 2, and by 0.3 with 1.5.
"""

from functools import lru_cache

from depth_refiner_ros.mapping.voxel_update import FARTHEST_WEIGHT
import numpy as np

SPREAD_OF_ERROR = 0.6745 * 2.0**0.5
"""Median absolute deviation of the difference of two frames, each of unit Gaussian error."""
DEPTHS = 8192
ERRORS_IN_TRUNCATIONS = np.linspace(0.05, 4.0, 80)
HALVINGS = 24


def without_bias(
    depth_m_HW: np.ndarray,
    *,
    error_share: float,
    truncation_m: float,
    truncation_share: float,
    by_precision: bool,
) -> np.ndarray:
    """
    Return depth as much nearer as its average would lie behind the surface.

    With a truncation that does not grow with the error it is returned as it is: where frames
    hardly reach each other their average has no known bias.

    :param depth_m_HW: float32, 0 where unknown
    :param error_share: standard deviation of the depth of frames, as a share of it
    :param truncation_m: how far from a surface distances count, or ...
    :param truncation_share: ... this share of the depth, where that is more
    :param by_precision: weights fall with the squared depth, which draws the average nearer
    """
    if not (error_share > 0.0 and truncation_share > 0.0):
        return depth_m_HW
    per_m = (DEPTHS - 1) / max(float(depth_m_HW.max()), truncation_m)
    error_m_D = np.arange(DEPTHS) * (error_share / per_m)
    share = round(error_share, 3) if by_precision else 0.0
    bias_in_errors_T = _bias_in_errors(round(truncation_share / error_share, 2), share)
    bias_m_D = error_m_D * np.interp(
        error_m_D / truncation_m, ERRORS_IN_TRUNCATIONS, bias_in_errors_T
    )
    return depth_m_HW - bias_m_D.astype(np.float32)[(depth_m_HW * per_m).astype(np.int32)]


@lru_cache(maxsize=64)
def _bias_in_errors(reach_in_errors: float, share: float) -> np.ndarray:
    """
    Return the bias for each of :data:`ERRORS_IN_TRUNCATIONS`, in errors.

    It is the x at which the mean over Gaussian depth of ``weight * min(depth - x, reach)`` is 0,
    with the weights of :func:`~.voxel_update.update_voxels`: none beyond the reach behind the
    surface, falling from the truncation distance on.

    :param share: error as a share of the depth, by whose square weights fall; 0 for equal weights
    """
    error_T1 = ERRORS_IN_TRUNCATIONS[:, None]
    reach_T1 = np.maximum(1.0, reach_in_errors * error_T1)
    distance_TS = -reach_T1 + (2.0 * reach_T1 + 6.0 * error_T1) * np.linspace(0.0, 1.0, 801)
    beyond_T1 = np.maximum(reach_T1 - 1.0, 1e-9)
    weight_TS = np.clip((reach_T1 + distance_TS) / beyond_T1, FARTHEST_WEIGHT, 1.0)
    counted_TS = weight_TS * np.minimum(distance_TS, reach_T1)
    nearest_T1, farthest_T1 = np.full_like(error_T1, -1.0), np.full_like(error_T1, 6.0)
    for _ in range(HALVINGS):
        middle_T1 = (nearest_T1 + farthest_T1) / 2.0
        off_TS = distance_TS / error_T1 + middle_T1
        density_TS = np.exp(-0.5 * np.square(off_TS)) / np.square(
            np.maximum(1 + share * off_TS, 0.1)
        )
        in_front_T1 = (counted_TS * density_TS).sum(axis=1, keepdims=True) > 0.0
        nearest_T1 = np.where(in_front_T1, middle_T1, nearest_T1)
        farthest_T1 = np.where(in_front_T1, farthest_T1, middle_T1)
    return nearest_T1[:, 0]
