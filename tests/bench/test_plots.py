# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots of measured times."""

from depth_refiner_ros.bench.plots import (
    Bar,
    bar_chart,
    BAR_RGB,
    BAR_STEP,
    BOUND_RGB,
    curves,
    decades,
    SERIES_RGB,
    TOP,
)
from depth_refiner_ros.core.errors import InputError
import numpy as np
import pytest


def pixels_of(rgb_HW3, color):
    return np.argwhere((rgb_HW3 == color).all(axis=-1))


def test_bars_are_in_proportion_with_their_bound_inside():
    rgb_HW3 = bar_chart(
        'a frame', [Bar(label='prior', ms=10.0), Bar(label='unet', ms=40.0, bound_ms=10.0)]
    )
    light = pixels_of(rgb_HW3, BAR_RGB)
    first = light[light[:, 0] < TOP + BAR_STEP]
    dark = pixels_of(rgb_HW3, BOUND_RGB)
    second = np.vstack([light[light[:, 0] >= TOP + BAR_STEP], dark])
    width = [np.ptp(rows[:, 1]) for rows in (first, second, dark)]
    assert width[1] == pytest.approx(4 * width[0], rel=0.03)
    assert width[2] == pytest.approx(width[0], rel=0.03)
    assert (dark[:, 0] >= TOP + BAR_STEP).all(), 'only the second has a bound'


def test_bound_longer_than_the_time_is_drawn():
    rgb_HW3 = bar_chart('odd', [Bar(label='a', ms=1.0, bound_ms=2.0)])
    assert len(pixels_of(rgb_HW3, BOUND_RGB)) > 100


def test_each_curve_has_its_color_and_higher_is_up():
    rgb_HW3 = curves(
        'sweep',
        {'S': [(252, 1.0), (518, 2.0)], 'G': [(252, 50.0), (518, 99.0)]},
        x_label='px',
        y_label='ms',
    )
    small, giant = (pixels_of(rgb_HW3, color) for color in SERIES_RGB[:2])
    assert giant[:, 0].max() < small[:, 0].min()
    assert small[:, 1].min() < 120 < 600 < small[:, 1].max()


def test_logarithmic_steps_are_evenly_apart():
    rgb_HW3 = curves(
        'steps',
        {'loop': [(1, 1.0), (10, 1.0), (100, 1.0)]},
        x_label='steps',
        y_label='ms',
        log_x=True,
    )
    columns = np.unique(pixels_of(rgb_HW3, SERIES_RGB[0])[:, 1])
    rows = pixels_of(rgb_HW3, SERIES_RGB[0])
    tall = [column for column in columns if np.ptp(rows[rows[:, 1] == column][:, 0]) >= 5]
    middle = [column for column in tall if 300 < column < 550]
    assert np.mean(middle) == pytest.approx((78 + 710) / 2, abs=3)


def test_point_that_is_no_time_is_left_out():
    drawn = curves('a', {'s': [(1, 5.0), (2, float('nan')), (3, 0.0)]}, x_label='', y_label='')
    assert np.array_equal(drawn, curves('a', {'s': [(1, 5.0)]}, x_label='', y_label=''))


@pytest.mark.parametrize(
    'draw',
    [
        lambda: bar_chart('none', []),
        lambda: curves('none', {}, x_label='', y_label=''),
        lambda: curves('none', {'a': [(1, 0.0)]}, x_label='', y_label=''),
    ],
)
def test_nothing_to_draw_is_told(draw):
    with pytest.raises(InputError, match='at least one'):
        draw()


def test_axis_spans_the_values_with_round_numbers(subtests):
    cases = [
        (1.0, 1.0, [1, 2]),
        (3.0, 4.0, [2, 5]),
        (0.3, 30.0, [0.2, 0.5, 1, 2, 5, 10, 20, 50]),
        (1.0, 10.0, [1, 2, 5, 10]),
        (0.004, 0.006, [0.002, 0.005, 0.01]),
    ]
    for low, high, expected in cases:
        with subtests.test(low=low, high=high):
            assert decades(low, high) == pytest.approx(expected)
