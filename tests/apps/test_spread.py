# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The choice of frames to take, and of those to show."""

import itertools

from depth_refiner_ros.apps.spread import count_taken, Spread, spread_indices, taken


def test_shown_frames_are_spread(subtests):
    cases = [
        (60, 3, [10, 30, 50]),
        (2, 5, [0, 1]),
        (1, 1, [0]),
        (0, 3, []),
        (5, 0, []),
        (4, 2, [1, 3]),
    ]
    for count, shown, expected in cases:
        with subtests.test(count=count, shown=shown):
            assert spread_indices(count, shown) == expected
            spread = Spread(count, shown)
            assert [index for index in range(count) if spread.picks(index)] == expected


def test_the_next_frame_is_shown_in_place_of_a_lost_one():
    spread = Spread(60, 3)
    lost = {10, 11, 30, 50, 51, 52}
    kept = [index for index in range(60) if index not in lost]
    assert [index for index in kept if spread.picks(index)] == [12, 31, 53]


def test_the_count_is_that_of_the_frames_taken(subtests):
    for frames, every, limit in itertools.product([0, 1, 7, 20], [1, 3], [0, 1, 4]):
        with subtests.test(frames=frames, every=every, limit=limit):
            found = list(taken(range(frames), every=every, limit=limit))
            assert len(found) == count_taken(frames, every=every, limit=limit)
            assert found == list(range(0, frames, every))[: limit or None]


def test_frames_beyond_a_wrong_length_are_taken():
    assert len(list(taken(iter(range(9))))) == 9
