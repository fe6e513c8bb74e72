# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The poses of one frame in another as they arrive, looked up by time."""

from bisect import bisect_left
from collections.abc import Sequence

from depth_refiner_ros.mapping.poses import check_numbers, interpolated, pose_from_quaternion
from depth_refiner_ros.mapping.trajectory import bracket
import numpy as np

Numbers = tuple[float, float, float, float, float, float, float]
"""Translation x y z in metres and unit quaternion x y z w."""


class PoseTrack:
    """
    Poses sorted by stamp, regardless of the order in which they arrive.

    Only the numbers are stored, and matrices are made for the two poses of a look-up, because a
    track may hold the transforms of a whole recording.

    :param keep: forget the oldest beyond this number; None keeps all
    """

    def __init__(self, keep: int | None = None) -> None:
        self._keep = keep
        self._stamps_ns: list[int] = []
        self._numbers: list[Numbers] = []

    def __len__(self) -> int:
        return len(self._stamps_ns)

    @property
    def latest_ns(self) -> int | None:
        """Return the newest stamp, None if there is none."""
        return self._stamps_ns[-1] if self._stamps_ns else None

    def add(self, stamp_ns: int, numbers: Sequence[float]) -> None:
        """
        Add a pose; it replaces one with the same stamp.

        :param numbers: x y z qx qy qz qw
        :raises PoseError: see :func:`check_numbers`
        """
        checked = checked_numbers(numbers)
        index = bisect_left(self._stamps_ns, stamp_ns)
        if index < len(self) and self._stamps_ns[index] == stamp_ns:
            self._numbers[index] = checked
            return
        self._stamps_ns.insert(index, stamp_ns)
        self._numbers.insert(index, checked)
        if self._keep is not None and len(self) > self._keep:
            del self._stamps_ns[0], self._numbers[0]

    def clear(self) -> None:
        """Forget all poses."""
        self._stamps_ns.clear()
        self._numbers.clear()

    def at(self, stamp_ns: int, *, max_gap_ns: int) -> np.ndarray | None:
        """Return the pose at a stamp by the rule of :func:`bracket`, None if it has none."""
        found = bracket(self._stamps_ns, stamp_ns, max_gap_ns)
        if found is None:
            return None
        first, second, fraction = found
        pose = self._pose(first)
        return pose if first == second else interpolated(pose, self._pose(second), fraction)

    def gap_ns(self, stamp_ns: int) -> int | None:
        """Return how far the nearest pose is from a stamp, None if there is no pose."""
        after = bisect_left(self._stamps_ns, stamp_ns)
        around = self._stamps_ns[max(after - 1, 0) : after + 1]
        return min((abs(near_ns - stamp_ns) for near_ns in around), default=None)

    def _pose(self, index: int) -> np.ndarray:
        numbers = self._numbers[index]
        return pose_from_quaternion(numbers[:3], numbers[3:])


def checked_numbers(numbers: Sequence[float]) -> Numbers:
    """
    Return the seven numbers of a pose.

    :raises PoseError: see :func:`check_numbers`
    """
    x, y, z, qx, qy, qz, qw = (float(number) for number in numbers)
    checked = x, y, z, qx, qy, qz, qw
    check_numbers(checked)
    return checked
