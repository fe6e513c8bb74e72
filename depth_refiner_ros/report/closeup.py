# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The part of a frame where refinement changed most, magnified."""

from dataclasses import replace

import cv2
from depth_refiner_ros.report.panels import View
import numpy as np

SHARE = 0.3
"""Rows and columns of a close-up as a share of the frame's."""
LARGE = 1.0
"""Relative difference that counts as large; without it a few wild pixels would decide."""


def closeup(view: View) -> View:
    """Cut out the window with the largest summed difference of prior and refined depth."""
    change_HW = np.minimum(np.nan_to_num(view.difference_HW), LARGE)
    height, width = change_HW.shape
    rows, columns = (max(1, round(size * SHARE)) for size in (height, width))
    top, left = _densest(change_HW, rows, columns)
    cut = np.s_[top : top + rows, left : left + columns]
    truth_m_HW, own_HW = view.truth_m_HW, view.own_difference_HW
    return replace(
        view,
        name='close-up',
        rgb_HW3=view.rgb_HW3[cut],
        prior_m_HW=view.prior_m_HW[cut],
        refined_m_HW=view.refined_m_HW[cut],
        truth_m_HW=None if truth_m_HW is None else truth_m_HW[cut],
        own_difference_HW=None if own_HW is None else own_HW[cut],
    )


def _densest(values_HW: np.ndarray, rows: int, columns: int) -> tuple[int, int]:
    """Return top and left of the window with the largest sum; the middle where all are equal."""
    summed = cv2.integral(values_HW.astype(np.float64))
    sums = (
        summed[rows:, columns:]
        - summed[:-rows, columns:]
        - summed[rows:, :-columns]
        + summed[:-rows, :-columns]
    )
    if np.ptp(sums) <= 1e-9 * max(1.0, float(np.abs(sums).max())):
        return (values_HW.shape[0] - rows) // 2, (values_HW.shape[1] - columns) // 2
    top, left = np.unravel_index(int(sums.argmax()), sums.shape)
    return int(top), int(left)
