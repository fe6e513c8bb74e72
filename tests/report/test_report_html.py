# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report page."""

import base64
from html.parser import HTMLParser
import re

import cv2
from depth_refiner_ros.report.html import Figure, render, Report
from depth_refiner_ros.report.numbers import METRICS, number_text
from depth_refiner_ros.report.plots import latency_plot
import numpy as np
import pytest

PRIOR = {
    'abs_rel': 0.1,
    'rmse_m': 0.5,
    'si_log': 9.0,
    'delta1': 0.9,
    'dbe_acc_px': 3.0,
    'dbe_compl_px': 20.0,
}
REFINED = {
    'abs_rel': 0.08,
    'rmse_m': 0.5,
    'si_log': 10.0,
    'delta1': 0.95,
    'dbe_acc_px': 2.0,
    'dbe_compl_px': None,
}
SUMMARY = {
    'frames_in': 60,
    'frames_out': 57,
    'dropped': {'superseded': 3},
    'fps': 7.25,
    'latency_ms': {'p50': 120.0, 'p95': 140.0, 'p99': 150.0},
    'depth': {'prior': PRIOR, 'refined': REFINED},
    'depth_spread': {'prior': dict.fromkeys(PRIOR, 0.01), 'refined': None},
    'temporal_error_percent': {'prior': 5.061, 'refined': None},
    'mesh': {
        'vertices': 1234567,
        'triangles': 2,
        'accuracy_mm': 4.25,
        'accuracy_mean_mm': 6.5,
        'completeness_mm': None,
        'f_score_5cm': 0.95,
    },
}
VOID = {'meta', 'img', 'br', 'source'}


class Page(HTMLParser):
    """Checks that tags are closed in order; keeps cells, images and attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.cells, self.images, self.addresses, self.row = [], {}, [], [], ''
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.addresses += [attrs[name] for name in ('src', 'srcset', 'href') if name in attrs]
        self.row = attrs.get('data-metric', self.row)
        if 'data-value' in attrs:
            self.cells.setdefault(self.row, []).append(float(attrs['data-value']))
        if tag == 'img':
            self.images.append(attrs['src'])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)


def report(**changes):
    values = {
        'title': 'Demo',
        'subtitle': 'a room',
        'summary': SUMMARY,
        'facts': {'gpu': 'none'},
        'true_depth': 'depth of a test',
    }
    return Report(**{**values, **changes})


def test_numbers_of_the_table_are_those_of_the_summary():
    page = Page(render(report()))
    for metric in METRICS:
        expected = [
            value for value in (PRIOR[metric.key], REFINED[metric.key]) if value is not None
        ]
        assert page.cells[metric.key] == expected


def test_ratio_is_colored_by_what_is_better():
    rows = dict(re.findall(r'data-metric="(\w+)">(.*?)</tr>', render(report())))
    assert 'class="good">0.80×' in rows['abs_rel']
    assert 'class="bad">1.11×' in rows['si_log']
    assert 'class="good">1.06×' in rows['delta1']
    assert '<td>1.00×' in rows['rmse_m']
    assert rows['dbe_compl_px'].count('<td>–</td>') == 2
    assert '± 0.0100' in rows['abs_rel']


def test_pictures_are_inside_and_decode(picture):
    page = Page(
        render(
            report(
                panels=[Figure(caption='one', picture=picture)],
                mesh_views=[Figure(caption='two', picture=picture)],
            )
        )
    )
    assert len(page.images) == 2
    for source in page.images:
        head, _, data = source.partition(',')
        assert head == 'data:image/png;base64'
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(decoded[..., ::-1], picture)


def test_nothing_is_loaded_from_elsewhere(picture):
    text = render(
        report(
            panels=[Figure(caption='p', picture=picture)],
            plots=[Figure(caption='t', picture=latency_plot([1.0, 2.0]))],
        )
    )
    assert all(address.startswith('data:') for address in Page(text).addresses)
    assert 'url(' not in text
    assert '<script' not in text
    assert '@import' not in text


def test_every_text_is_escaped():
    evil = '<script>alert("1")</script>&'
    text = render(
        report(
            title=evil,
            subtitle=evil,
            facts={evil: evil},
            notes=[evil],
            settings={evil: {evil: evil}},
            plots=[Figure(caption=evil, picture=latency_plot([1.0]))],
            summary={**SUMMARY, 'dropped': {evil: 2}},
        )
    )
    Page(text)
    assert '<script' not in text
    assert text.count('&lt;script&gt;') == 12, 'captions are alternative texts, too'


def test_a_fact_of_several_lines_is_one_row_and_escaped():
    text = render(report(facts={'networks': ['prior a', '<b>'], 'gpu': 'none'}))
    Page(text)
    assert '<th>networks</th><td><div>prior a</div><div>&lt;b&gt;</div></td>' in text
    assert '<th>gpu</th><td>none</td>' in text


def test_no_text_is_taken_for_a_template():
    assert 'costs {{ body }} 5$' in render(report(subtitle='costs {{ body }} 5$'))


def test_drops_are_told_by_reason():
    text = render(report())
    assert '<th>superseded</th><td>3</td>' in text
    assert 'No frame was dropped' not in text
    assert 'No frame was dropped' in render(report(summary={**SUMMARY, 'dropped': {}}))


def test_source_without_truth_says_so():
    bare = {
        **SUMMARY,
        'depth': {'prior': None, 'refined': None},
        'fps': None,
        'latency_ms': {'p50': None},
        'mesh': {'vertices': 0, 'triangles': 0, 'accuracy_mm': None, 'completeness_mm': None},
    }
    text = render(report(summary=bare))
    Page(text)
    assert 'no ground truth' in text
    assert 'Compared with' not in text


def test_mesh_without_a_score_is_not_said_to_be_compared():
    compared = 'Compared with a plane. Accuracy'
    assert compared not in render(report())
    mesh = {**SUMMARY['mesh'], 'compared_with': 'a plane'}
    assert compared in render(report(summary={**SUMMARY, 'mesh': mesh}))


def test_a_trajectory_is_shown_beside_the_true_one_where_there_is_one():
    error = {'poses': 9, 'length_m': 1.5, 'ate_mm': 12.34, 'ate_max_mm': 20, 'rpe_mm': 3.21}
    error |= {'rpe_deg': 0.456, 'scale': None, 'ate_scaled_mm': None}
    text = render(report(summary={**SUMMARY, 'trajectory': error}))
    Page(text)
    assert '<th>ATE</th><td>12.3 mm, largest 20.0 mm</td>' in text
    assert '<td>3.2 mm, 0.46°</td>' in text
    assert '<th>scale</th>' not in text
    assert 'true poses' not in render(report(summary={**SUMMARY, 'trajectory': None}))


def test_light_and_dark_are_offered():
    text = render(report(plots=[Figure(caption='t', picture=latency_plot([1.0]))]))
    assert '<source media="(prefers-color-scheme: dark)" srcset="data:image/svg' in text
    assert 'prefers-color-scheme: dark' in text
    assert 'name="color-scheme" content="light dark"' in text


def test_numbers_as_people_read_them(subtests):
    cases = [(None, 2, '–'), (1234.5, 1, '1 234.5'), (0.12345, 4, '0.1235'), (3, 0, '3')]
    for value, decimals, text in cases:
        with subtests.test(value=value, decimals=decimals, text=text):
            assert number_text(value, decimals) == text
