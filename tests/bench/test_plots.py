# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Curves of the benchmark, read back from matplotlib's axes."""

from depth_refiner_ros.bench.plots import curves, SERIES
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.charts import PAPER
from matplotlib.figure import Figure
import pytest


def drawn(series, **options):
    figure = Figure()
    axes = figure.add_subplot()
    curves('a sweep', series, **{'x_label': 'px', 'y_label': 'ms', **options}).draw(axes, PAPER)
    figure.draw_without_rendering()
    return axes


def test_each_curve_has_its_points_color_and_name():
    axes = drawn({'S': [(252, 1.0), (518, 2.0)], 'G': [(252, 50.0), (518, 99.0)]})
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines['S'].get_xydata().ravel()) == [252, 1.0, 518, 2.0]
    assert [lines[name].get_color() for name in ('S', 'G')] == list(SERIES[:2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ['G', 'S']
    assert [label.get_text() for label in axes.get_xticklabels()] == ['252', '518']
    assert (axes.get_title(loc='left') or axes.get_title()) == 'a sweep'


def test_axes_are_logarithmic_where_asked_with_plain_numbers():
    axes = drawn({'loop': [(1, 0.4), (10, 1.0), (100, 30.0)]}, log_x=True)
    assert (axes.get_xscale(), axes.get_yscale()) == ('log', 'log')
    low, high = axes.get_ylim()
    shown = [
        label.get_text()
        for label in axes.get_yticklabels()
        if low <= label.get_position()[1] <= high
    ]
    assert shown == ['0.5', '1', '2', '5', '10', '20']
    assert drawn({'s': [(1, 1.0)]}).get_xscale() == 'linear'


def test_point_that_is_no_time_is_left_out():
    (line,) = drawn({'s': [(1, 5.0), (2, float('nan')), (3, 0.0)]}).get_lines()
    assert list(line.get_xydata().ravel()) == [1, 5.0]


@pytest.mark.parametrize('series', [{}, {'a': [(1, 0.0)]}])
def test_nothing_to_draw_is_an_error(series):
    with pytest.raises(InputError, match='at least one point'):
        curves('none', series, x_label='', y_label='')


def test_curves_become_a_picture():
    chart = curves('t', {'s': [(1, 5.0)], 'none': []}, x_label='', y_label='')
    assert chart.rgb_HW3().shape == (chart.height_px, chart.width_px, 3)
