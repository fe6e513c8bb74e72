# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.pose_track import PoseTrack
import numpy as np
import pytest

MS = 1_000_000
TURN = (0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4))  # 90 degrees about z
NO_TURN = (0.0, 0.0, 0.0, 1.0)


def track_of(*poses, keep=None):
    """Return a track of (ms, x in metres) or (ms, x, turn)."""
    made = PoseTrack(keep)
    for stamp_ms, x_m, *turn in poses:
        made.add(stamp_ms * MS, (x_m, 0.0, 0.0, *(turn[0] if turn else NO_TURN)))
    return made


def ask(track, ms, gap_ms=20.0):
    return track.at(round(ms * MS), max_gap_ns=round(gap_ms * MS))


def test_poses_are_interpolated_between_two():
    middle = ask(track_of((100, 1.0), (120, 3.0, TURN)), 105)
    np.testing.assert_allclose(middle[:3, 3], (1.5, 0.0, 0.0))
    assert np.degrees(np.arctan2(middle[1, 0], middle[0, 0])) == pytest.approx(22.5)


def test_equal_stamps_need_no_neighbour():
    track = track_of((100, 1.0), (120, 3.0, TURN))
    np.testing.assert_allclose(
        ask(track, 120, gap_ms=0.0)[:3, :3] @ [1, 0, 0], [0, 1, 0], atol=1e-12
    )


@pytest.mark.parametrize(('ms', 'x_m'), [(85, 1.0), (79, None), (139, 3.0), (141, None)])
def test_beyond_the_ends_the_tolerance_decides(ms, x_m):
    found = ask(track_of((100, 1.0), (120, 3.0)), ms)
    assert (found is None) == (x_m is None)
    if found is not None:
        assert found[0, 3] == x_m


def test_holes_are_not_bridged_beyond_the_tolerance():
    track = track_of((0, 0.0), (1000, 1.0))
    assert ask(track, 500) is None
    np.testing.assert_allclose(ask(track, 990)[0, 3], 0.99)
    assert track.gap_ns(500 * MS) == 500 * MS
    assert track.gap_ns(1007 * MS) == 7 * MS
    assert PoseTrack().gap_ns(0) is None


def test_poses_may_come_out_of_order_and_replace_each_other():
    track = track_of((100, 1.0), (120, 3.0), (110, 7.0), (110, 8.0))
    assert len(track) == 3
    assert ask(track, 110)[0, 3] == 8.0
    assert track.latest_ns == 120 * MS
    track.clear()
    assert ask(track, 110) is None
    assert track.latest_ns is None


def test_the_oldest_are_forgotten_beyond_a_number():
    track = track_of((100, 1.0), (120, 2.0), (140, 3.0), keep=2)
    assert len(track) == 2
    assert ask(track, 100, gap_ms=5) is None


@pytest.mark.parametrize(
    ('numbers', 'words'),
    [
        ((np.nan, 0, 0, 0, 0, 0, 1), 'holds a value that is not a number'),
        ((0, 0, 0, 0, 0, 0, np.inf), 'holds a value that is not a number'),
        ((0, 0, 0, 0, 0, 0, 0), 'has length 0, not 1'),
        ((0, 0, 0, 0, 0, 0, 1e200), 'not 1'),
    ],
)
def test_unfit_poses_are_refused_and_leave_the_track_alone(numbers, words):
    track = track_of((100, 1.0))
    with pytest.raises(MappingError, match=words):
        track.add(110 * MS, numbers)
    assert len(track) == 1
