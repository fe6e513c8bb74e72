# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Close-ups."""

from depth_refiner_ros.report.closeup import closeup
from depth_refiner_ros.report.panels import View
import numpy as np
import pytest


def view(change_HW, *, truth=True):
    """Return a frame that refinement changed by these shares of the prior."""
    height, width = change_HW.shape
    index_HW = 1 + np.arange(height * width, dtype=np.float32).reshape(height, width)
    return View(
        rgb_HW3=np.zeros((height, width, 3), np.uint8),
        prior_m_HW=index_HW,
        refined_m_HW=index_HW * (1 + change_HW),
        truth_m_HW=index_HW + 2 if truth else None,
    )


@pytest.mark.parametrize(('row', 'column'), [(15, 25), (0, 0), (19, 39)])
def test_window_holds_the_peak_and_all_maps_are_cut_alike(row, column):
    difference = np.zeros((20, 40), np.float32)
    difference[max(0, row - 2) : row + 1, max(0, column - 8) : column + 1] = 0.1
    difference[row, column] = 1.0
    cut = closeup(view(difference))
    assert cut.rgb_HW3.shape == (6, 12, 3)
    assert cut.difference_HW.max() == 1.0
    assert cut.difference_HW.sum() == pytest.approx(difference.sum(), rel=1e-4)
    np.testing.assert_array_equal(cut.truth_m_HW, cut.prior_m_HW + 2)
    assert cut.name == 'close-up'


def test_frame_that_nothing_changed_is_cut_in_the_middle():
    cut = closeup(view(np.zeros((20, 40), np.float32), truth=False))
    assert cut.prior_m_HW[0, 0] == 1 + 7 * 40 + 14
    assert cut.truth_m_HW is None


def test_unknown_difference_does_not_count():
    difference = np.full((20, 40), np.nan, np.float32)
    difference[0, 0] = 0.5
    assert closeup(view(difference)).prior_m_HW[0, 0] == 1


def test_a_wild_pixel_does_not_outweigh_a_wider_change():
    difference = np.zeros((20, 40), np.float32)
    difference[0, 0], difference[14:, 28:] = 1e3, 0.2
    assert closeup(view(difference)).prior_m_HW[0, 0] == 1 + 14 * 40 + 28
