# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Plots as SVG."""

from xml.etree import ElementTree

from depth_refiner_ros.report.plots import latency_plot, nice_ceiling, stage_bars
import pytest

SVG = '{http://www.w3.org/2000/svg}'


def texts(svg):
    return [item.text for item in ElementTree.fromstring(svg).iter(f'{SVG}text')]


def test_one_dot_per_frame_and_quantiles_by_hand():
    svg = latency_plot([10.0, 20.0, 30.0])
    assert len(list(ElementTree.fromstring(svg).iter(f'{SVG}circle'))) == 3
    assert 'p50 20 ms' in texts(svg)
    assert 'p95 29 ms' in texts(svg)


def test_dots_are_placed_by_value():
    low, high = ElementTree.fromstring(latency_plot([0.0, 50.0])).iter(f'{SVG}circle')
    assert float(low.get('cy')) == pytest.approx(206.0)  # bottom: 240 - 34
    assert float(high.get('cy')) == pytest.approx(14.0)  # top of the plot, for 50 is round
    assert float(low.get('cx')) < float(high.get('cx'))


def test_labels_of_equal_quantiles_do_not_overlap():
    svg = ElementTree.fromstring(latency_plot([5.0, 5.0, 5.0]))
    rows = [float(item.get('y')) for item in svg.iter(f'{SVG}text') if item.text.startswith('p')]
    assert rows[0] - rows[1] >= 13
    assert rows[1] - rows[2] >= 13


@pytest.mark.parametrize('values', [[], [float('nan')]])
def test_no_frame_is_said(values):
    assert texts(latency_plot(values)) == ['no frame arrived']


def test_single_frame_is_drawn():
    assert len(list(ElementTree.fromstring(latency_plot([7.0])).iter(f'{SVG}circle'))) == 1


def test_bars_are_in_proportion_and_names_escaped():
    svg = stage_bars({'prior': 10.0, 'a<b': 40.0})
    first, second = ElementTree.fromstring(svg).iter(f'{SVG}rect')
    assert float(second.get('width')) == pytest.approx(4 * float(first.get('width')))
    assert 'a<b' in texts(svg)
    assert 'a&lt;b' in svg


def test_bars_of_nothing_and_of_zero_are_drawn():
    ElementTree.fromstring(stage_bars({}))
    ElementTree.fromstring(stage_bars({'none': 0.0}))


def test_axis_ends_at_a_round_number(subtests):
    cases = [
        (0.0, 1.0),
        (0.7, 1.0),
        (1.0, 1.0),
        (1.2, 2.0),
        (2.2, 2.5),
        (30.0, 50.0),
        (501.0, 1000.0),
    ]
    for value, expected in cases:
        with subtests.test(value=value):
            assert nice_ceiling(value) == pytest.approx(expected)
