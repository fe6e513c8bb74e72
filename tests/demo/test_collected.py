# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the collector has written."""

import json

from depth_refiner_ros.demo.collected import DEPTH, last_diagnostics, read_arrivals
from depth_refiner_ros.demo.counts import dropped, notes, stages
from depth_refiner_ros.demo.graph import Outcome
from depth_refiner_ros.demo.live_view import LiveView
import numpy as np
import pytest

MS = 1_000_000


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'arrivals.csv').write_text(
        f'image,100,{1000 * MS}\nimage,200,{1100 * MS}\nimage,300,{1200 * MS}\n'
        f'{DEPTH},200,{1130 * MS}\n{DEPTH},100,{1050 * MS}\n{DEPTH},100,{1900 * MS}\n'
        f'{DEPTH},300,125'
    )
    np.save(tmp_path / 'depth_image_200.npy', np.full((2, 3), 7.0, np.float32))
    return tmp_path


def test_counts_are_of_different_stamps_and_whole_lines(folder):
    collected = read_arrivals(folder)
    assert collected.count('image') == 3
    assert collected.count(DEPTH) == 2
    assert collected.count('points') == 0
    assert not collected.has(DEPTH, 300), 'its line is still being written'


def test_latency_is_from_first_arrival_to_first_arrival_in_order_of_stamps(folder):
    assert read_arrivals(folder).latency_ms() == pytest.approx([50.0, 30.0])


def test_rate_is_between_the_first_and_the_last(folder, tmp_path):
    assert read_arrivals(folder).fps() == pytest.approx(1 / 0.080)
    assert read_arrivals(tmp_path / 'none').fps() is None


def test_maps_are_found_by_stamp(folder):
    np.testing.assert_array_equal(read_arrivals(folder).map_HW(DEPTH, 200), 7.0)


def test_before_the_collector_has_started_there_is_nothing(tmp_path):
    collected = read_arrivals(tmp_path)
    assert collected.arrived_ns == {}
    assert collected.latency_ms() == []
    assert last_diagnostics(tmp_path, 'refiner') == {}


def test_last_report_of_a_node_counts(tmp_path):
    lines = [
        {'name': '/refiner: frames', 'values': {'frames_in': '1'}},
        {'name': '/refiner: frames', 'values': {'frames_in': '2'}},
        {'name': '/tsdf: frames', 'values': {'frames_in': '9'}},
    ]
    text = '\n'.join(map(json.dumps, lines)) + '\n{"name": "/refiner'
    (tmp_path / 'diagnostics.jsonl').write_text(text)
    assert last_diagnostics(tmp_path, 'refiner') == {'frames_in': '2'}
    assert last_diagnostics(tmp_path, 'player') == {}


def outcome(folder, refiner, tsdf=None):
    return Outcome(
        collected=read_arrivals(folder), diagnostics={'refiner': refiner, 'tsdf': tsdf or {}}
    )


def test_drops_are_those_counted_and_the_rest_was_lost_on_the_way(folder):
    counts = {'dropped_superseded': '3', 'dropped_bad_input': '0', 'frames_in': '9'}
    # ten sent, two arrived, three counted: five are unaccounted for
    assert dropped(10, outcome(folder, counts)) == {'superseded': 3, 'lost between processes': 5}
    assert dropped(5, outcome(folder, counts)) == {'superseded': 3}
    assert dropped(2, outcome(folder, {})) == {}


def test_unfused_frames_are_noted(folder):
    assert notes(outcome(folder, {})) == []
    assert notes(outcome(folder, {}, {'dropped_no_pose': '4'})) == [
        'Frames that were refined but not fused: 4 no_pose.'
    ]


def test_stages_by_name():
    assert stages({'stage_refine_ms': '12.5', 'latency_p50_ms': '3', 'state': 'active'}) == {
        'refine': 12.5
    }


class Page:
    """Keeps what is shown."""

    def __init__(self):
        self.shown = []

    def show(self, rgb_HW3):
        self.shown.append(rgb_HW3)


def test_view_draws_each_newest_complete_frame_once(tmp_path):
    lines = []
    for stamp in (100, 200):
        np.save(tmp_path / f'image_{stamp}.npy', np.full((4, 5, 3), stamp, np.uint8))
        np.save(tmp_path / f'depth_image_{stamp}.npy', np.full((4, 5), 2.0, np.float32))
        lines += [f'image,{stamp},1\n', f'{DEPTH},{stamp},1\n']
    np.save(tmp_path / 'depth_confidence_100.npy', np.ones((4, 5), np.float32))
    (tmp_path / 'arrivals.csv').write_text(''.join(lines) + 'depth/confidence,100,1\n')
    page = Page()
    view = LiveView(page)
    view.update(read_arrivals(tmp_path))
    view.update(read_arrivals(tmp_path))
    (picture,) = page.shown
    assert picture.shape == (4, 15, 3)
    assert (picture[:, :5] == 100).all(), 'frame 200 lacks its confidence'
