# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Colors of depth, difference and error."""

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.colormap import (
    colorize,
    depth_limits_m,
    legend_bar,
    Palette,
    relative_error,
    UNKNOWN_RGB,
)
import numpy as np
import pytest

# First and last entries of the published Turbo, Viridis and Inferno tables.
TURBO_LOW, TURBO_HIGH = (48, 18, 59), (122, 4, 3)
VIRIDIS_LOW, VIRIDIS_HIGH = (68, 1, 84), (253, 231, 37)
INFERNO_LOW, INFERNO_HIGH = (0, 0, 4), (252, 255, 164)


@pytest.mark.parametrize(
    ('palette', 'low', 'high'),
    [
        (Palette.DEPTH, TURBO_HIGH, TURBO_LOW),
        (Palette.DIFFERENCE, VIRIDIS_LOW, VIRIDIS_HIGH),
        (Palette.ERROR, INFERNO_LOW, INFERNO_HIGH),
    ],
)
def test_limits_have_the_end_colors_of_the_published_tables(palette, low, high):
    painted = colorize(np.array([[1.0, 3.0]]), 1.0, 3.0, palette)
    np.testing.assert_allclose(painted[0, 0].astype(int), low, atol=1)
    np.testing.assert_allclose(painted[0, 1].astype(int), high, atol=1)


def test_near_is_red_and_far_is_blue():
    near, far = colorize(np.array([[0.6, 4.6]]), 0.0, 5.0, Palette.DEPTH)[0].astype(int)
    assert near[0] > near[2] + 50
    assert far[2] > far[0] + 10


def test_value_in_the_middle_takes_the_middle_entry():
    painted = colorize(np.array([[2.0]]), 0.0, 4.0, Palette.ERROR)
    assert tuple(painted[0, 0]) == tuple(Palette.ERROR.table_256_3()[128])  # 127.5 rounds to even


def test_unknown_is_grey_and_infinity_takes_the_end_color():
    painted = colorize(np.array([[np.nan, np.inf, -np.inf]]), 0.0, 1.0, Palette.DEPTH)
    table = Palette.DEPTH.table_256_3()
    assert tuple(painted[0, 0]) == UNKNOWN_RGB
    assert tuple(painted[0, 1]) == tuple(table[255])
    assert tuple(painted[0, 2]) == tuple(table[0])
    assert not (table == UNKNOWN_RGB).all(axis=1).any(), 'grey must not be a color of a value'


def test_limits_out_of_order_are_refused(subtests):
    for low, high in [(1.0, 1.0), (2.0, 1.0), (0.0, np.nan), (-np.inf, 1.0)]:
        with subtests.test(low=low, high=high), pytest.raises(InputError, match='color limits'):
            colorize(np.zeros((2, 2)), low, high, Palette.DEPTH)


def test_color_image_is_refused():
    with pytest.raises(InputError, match=r'\(2, 2, 3\)'):
        colorize(np.zeros((2, 2, 3)), 0.0, 1.0, Palette.DEPTH)


def test_limits_cover_all_maps_and_pass_over_the_unknown():
    first = np.array([[1.0, np.nan], [np.inf, 1.0]])
    second = np.array([[3.0, 3.0]])
    assert depth_limits_m(first, None, second, percent=0.0) == (1.0, 3.0)


def test_limits_of_constant_and_of_empty_depth():
    near_m, far_m = depth_limits_m(np.full((2, 2), 2.0))
    assert near_m == 2.0
    assert far_m == pytest.approx(2.001)
    assert depth_limits_m(np.full((2, 2), np.nan)) == (0.0, 1.0)


def test_few_outliers_do_not_take_the_colors():
    depth = np.full((10, 10), 2.0)
    depth[0, 0] = 70.0
    assert depth_limits_m(depth)[1] < 3.0


def test_relative_error_by_hand():
    depth = np.array([[1.1, 2.0, np.nan, 3.0, 1.0]])
    truth = np.array([[1.0, 4.0, 1.0, np.nan, 0.0]])
    error = relative_error(depth, truth)
    np.testing.assert_allclose(error[0, :2], [0.1, 0.5], rtol=1e-6)
    assert np.isnan(error[0, 2:]).all()


def test_legend_runs_from_low_to_high():
    bar = legend_bar(256, 5, Palette.DIFFERENCE)
    assert bar.shape == (5, 256, 3)
    np.testing.assert_array_equal(bar[2], Palette.DIFFERENCE.table_256_3())
