# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Detect images that are out of order in time."""

from bisect import bisect_left
from collections.abc import Sequence

LOOKAHEAD = 5
"""Number of later images that decide whether an early stamp or the one before it is wrong."""


def is_in_order(stamps_ns: Sequence[int], last_ns: int | None) -> bool:
    """
    Whether the first of some stamps is in order with most of the others.

    A stamp that repeats or falls behind is not, nor is one so far ahead that the images after
    it would all fall behind.

    :param stamps_ns: the stamp in question and those that follow it
    :param last_ns: the last stamp in order, None at the start
    """
    first_ns, *later_ns = (stamp_ns for stamp_ns in stamps_ns)
    if last_ns is not None and first_ns <= last_ns:
        return False
    without = [stamp_ns for stamp_ns in later_ns if last_ns is None or stamp_ns > last_ns]
    after = [stamp_ns for stamp_ns in later_ns if stamp_ns > first_ns]
    return 1 + _longest_increase(after) >= _longest_increase(without)


def _longest_increase(values: Sequence[int]) -> int:
    """Return the length of the longest strictly increasing subsequence."""
    ends: list[int] = []
    for value in values:
        place = bisect_left(ends, value)
        ends[place : place + 1] = [value]
    return len(ends)
