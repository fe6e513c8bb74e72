# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots of times: what is drawn, read back from matplotlib's axes."""

from xml.etree import ElementTree

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.report.charts import DARK, LIGHT, PAPER
from depth_refiner_ros.report.plots import Bar, bar_chart, latency_plot, stage_bars
from matplotlib.figure import Figure
import numpy as np
import pytest


def drawn(chart):
    axes = Figure().add_subplot()
    chart.draw(axes, LIGHT)
    return axes


def texts(axes):
    legend = axes.get_legend()
    return [item.get_text() for item in [*axes.texts, *(legend.get_texts() if legend else ())]]


def test_each_frame_is_drawn_and_quantiles_are_those_by_hand():
    axes = drawn(latency_plot([10.0, 20.0, float('nan'), 30.0]))
    line, *quantiles = axes.get_lines()
    assert list(line.get_ydata()) == [10.0, 20.0, 30.0]
    assert [mark.get_ydata()[0] for mark in quantiles] == pytest.approx([20.0, 29.0, 29.8])
    assert texts(axes) == ['p50 20 ms', 'p95 29 ms', 'p99 30 ms']
    low, high = axes.get_ylim()
    assert low == 0.0
    assert high > 30.0


def test_many_frames_are_a_line_without_dots():
    few, many = (drawn(latency_plot(np.ones(count))).get_lines()[0] for count in (300, 301))
    assert (few.get_marker(), many.get_marker()) == ('o', '')
    light, _ = latency_plot(np.random.default_rng(0).random(20_000)).svg_light_and_dark()
    assert len(light) < 3e6


@pytest.mark.parametrize('values', [[], [float('nan')]])
def test_no_frame_is_said(values):
    assert texts(drawn(latency_plot(values))) == ['no frame arrived']


def test_bars_are_in_proportion_with_their_bound_inside():
    axes = drawn(
        bar_chart('a frame', [Bar(label='a<b', ms=10.0), Bar(label='u', ms=40.0, bound_ms=10.0)])
    )
    measured, least = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert measured == [10.0, 40.0]
    assert least == [0.0, 10.0]
    assert texts(axes)[:2] == ['10.0 ms', '40.0 ms, 4.0 x bound']
    assert [label.get_text() for label in axes.get_yticklabels()] == ['a<b', 'u']
    assert axes.yaxis_inverted(), 'the first is on top'


def test_stages_have_no_bound_to_explain():
    axes = drawn(stage_bars({'prior': 4.25, 'none': 0.0}))
    assert texts(axes) == ['4.25 ms', '0.00 ms']


def test_nothing_to_draw_is_an_error():
    with pytest.raises(InputError, match='at least one bar'):
        bar_chart('none', [])


def test_charts_follow_the_page_light_and_dark():
    light, dark = stage_bars({'prior': 1.0}).svg_light_and_dark()
    for svg, theme, other in ((light, LIGHT, DARK), (dark, DARK, LIGHT)):
        assert ElementTree.fromstring(svg).tag == '{http://www.w3.org/2000/svg}svg'
        assert theme.accent in svg
        assert other.accent not in svg
        assert '<script' not in svg
        assert 'href="http' not in svg, 'nothing is loaded from elsewhere'
    assert stage_bars({'prior': 1.0}).svg_light_and_dark() == (light, dark), 'no date, no chance'


def test_a_picture_is_on_white_paper_at_its_size():
    chart = bar_chart('title', [Bar(label='a', ms=1.0, bound_ms=0.5)])
    rgb_HW3 = chart.rgb_HW3()
    assert rgb_HW3.shape == (chart.height_px, chart.width_px, 3)
    assert rgb_HW3.dtype == np.uint8
    assert (rgb_HW3[0, 0] == 255).all()
    for color in (PAPER.accent, PAPER.bound):
        wanted = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
        assert (rgb_HW3 == wanted).all(axis=-1).sum() > 500
