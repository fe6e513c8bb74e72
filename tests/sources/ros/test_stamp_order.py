# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.sources.ros.stamp_order import is_in_order, LOOKAHEAD


def kept(stamps):
    """Return the stamps that are in order, each judged with those that follow it."""
    last, found = None, []
    for index in range(len(stamps)):
        if is_in_order(stamps[index : index + 1 + LOOKAHEAD], last):
            last = stamps[index]
            found.append(last)
    return found


def test_a_wrong_stamp_costs_its_own_frame_alone(subtests):
    cases = [
        ([0, 33, 66, 100], [0, 33, 66, 100]),
        ([0, 33, 33, 66], [0, 33, 66]),
        ([0, 33, 33, 33, 66], [0, 33, 66]),
        ([0, 66, 33, 100], [0, 66, 100]),
        ([0, 33, 5, 66, 100], [0, 33, 66, 100]),
        ([0, 33, 9999, 66, 100, 133], [0, 33, 66, 100, 133]),
        ([9999, 0, 33, 66, 100], [0, 33, 66, 100]),
        ([0, 33, 66, 9999], [0, 33, 66, 9999]),
        ([0, 9999, 9998, 33, 66, 100, 133], [0, 33, 66, 100, 133]),
        ([50], [50]),
        ([7, 7, 7], [7]),
    ]
    for stamps, expected in cases:
        with subtests.test(stamps=stamps):
            assert kept(stamps) == expected


def test_a_recording_that_starts_over_is_read_once():
    assert kept([*range(0, 100, 10), *range(0, 100, 10)]) == list(range(0, 100, 10))
