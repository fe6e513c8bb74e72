# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Points of sparse maps, drawn larger."""

from dataclasses import replace

from depth_refiner_ros.report.colormap import UNKNOWN_RGB
from depth_refiner_ros.report.panels import GAP_PX, HEADER_PX, sheet, View
from depth_refiner_ros.report.points import with_larger_points
import numpy as np
import pytest

SIZE = 300, 1600


def lidar(step=20):
    """Return a map of single points, as many as a lidar gives at this step."""
    depth_m_HW = np.full(SIZE, np.nan, np.float32)
    depth_m_HW[step // 2 :: step, step // 2 :: step] = 5.0
    return depth_m_HW


@pytest.mark.parametrize(
    ('step', 'width', 'radius_px'),
    [
        (20, 400, 20 / 3),  # a third of the way to the next point
        (6, 400, 6.0),  # at least 1.5 pixels of a picture of a quarter of the size
        (90, 400, 12.0),  # at most 3 of them
        (90, 1600, 3.0),
    ],
)
def test_a_point_becomes_a_disc_that_fits_the_picture_and_the_distance(step, width, radius_px):
    depth_m_HW = lidar(step)
    depth_m_HW[step // 2, step // 2] = 7.0
    drawn_HW = with_larger_points(depth_m_HW, width)
    row, column = np.ogrid[: SIZE[0], : SIZE[1]]
    away_HW = np.hypot(row - step // 2, column - step // 2)
    own_HW = away_HW < step / 2 - 1
    # The distance to the nearest point is approximate, by a few percent.
    assert (drawn_HW[own_HW & (away_HW <= 0.95 * radius_px)] == 7.0).all()
    assert np.isnan(drawn_HW[own_HW & (away_HW > 1.05 * radius_px)]).all()


def test_the_map_itself_keeps_its_points():
    depth_m_HW = lidar()
    before = depth_m_HW.copy()
    with_larger_points(depth_m_HW, 400)
    np.testing.assert_array_equal(depth_m_HW, before)


def test_holes_of_a_depth_camera_and_maps_without_points_stay_as_they_are():
    patch_m_HW = np.full(SIZE, np.nan, np.float32)
    patch_m_HW[100:140, 200:260] = 2.0  # few pixels, but no points
    for depth_m_HW in (patch_m_HW, np.full(SIZE, np.nan, np.float32), np.ones(SIZE, np.float32)):
        assert with_larger_points(depth_m_HW, 400) is depth_m_HW


def test_errors_at_points_can_be_seen_in_a_small_picture():
    depth_m_HW = np.full(SIZE, 5.0, np.float32)
    view = View(
        rgb_HW3=np.zeros((*SIZE, 3), np.uint8),
        prior_m_HW=depth_m_HW * np.float32(1.5),
        refined_m_HW=depth_m_HW,
        truth_m_HW=lidar(),
    )
    sparse_prior = replace(view, prior_m_HW=lidar(), truth_m_HW=None)
    for shown, column in ((view, 4), (sparse_prior, 1), (sparse_prior, 3)):
        left = GAP_PX + column * (400 + GAP_PX)
        picture = sheet([shown])[HEADER_PX : HEADER_PX + 75, left : left + 400]
        changed_HW = np.abs(picture.astype(int) - UNKNOWN_RGB).max(axis=-1) > 60
        assert changed_HW.mean() > 0.2, column
