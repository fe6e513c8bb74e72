"""Where the camera was when a frame was taken: a store of poses that a frame can wait for."""

from bisect import bisect_left, insort
import threading
from typing import Protocol

from depth_refiner_ros.mapping.poses import interpolated
from depth_refiner_ros.mapping.trajectory import Trajectory
import numpy as np

KEPT = 20_000
"""Poses remembered: 200 s at 100 Hz."""


class Poses(Protocol):
    """Answers where the optical frame was."""

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """
        Return the pose at a stamp, waiting for it where it may still come.

        :param frame_id: the camera's optical frame
        :param max_gap_ns: largest distance in time to the nearer pose
        :return: ``map_from_camera`` 4 x 4, None where there is none
        """


class PoseBuffer:
    """Poses as they come in, interpolated at the stamps asked for."""

    def __init__(self) -> None:
        self._stamps_ns: list[int] = []
        self._poses: dict[int, np.ndarray] = {}
        self._changed = threading.Condition()

    def add(self, stamp_ns: int, map_from_camera: np.ndarray) -> None:
        """Store one pose; those of the same stamp replace each other."""
        with self._changed:
            if stamp_ns not in self._poses:
                insort(self._stamps_ns, stamp_ns)
            self._poses[stamp_ns] = map_from_camera
            if len(self._stamps_ns) > KEPT:
                del self._poses[self._stamps_ns.pop(0)]
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all, as after a jump back in time."""
        with self._changed:
            self._stamps_ns.clear()
            self._poses.clear()

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """Return the pose at a stamp, see :class:`Poses`."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_settled(stamp_ns), timeout_s)
            return self._at(stamp_ns, max_gap_ns)

    def _is_settled(self, stamp_ns: int) -> bool:
        """Return whether later poses cannot change the answer."""
        return bool(self._stamps_ns) and self._stamps_ns[-1] >= stamp_ns

    def _at(self, stamp_ns: int, max_gap_ns: int) -> np.ndarray | None:
        after = bisect_left(self._stamps_ns, stamp_ns)
        around = self._stamps_ns[max(after - 1, 0) : after + 1]
        if stamp_ns in self._poses:
            return self._poses[stamp_ns]
        if not around or min(abs(near_ns - stamp_ns) for near_ns in around) > max_gap_ns:
            return None
        first_ns, last_ns = around[0], around[-1]
        if not first_ns < stamp_ns < last_ns:
            return self._poses[min(around, key=lambda near_ns: abs(near_ns - stamp_ns))]
        fraction = (stamp_ns - first_ns) / (last_ns - first_ns)
        return interpolated(self._poses[first_ns], self._poses[last_ns], fraction)


class FilePoses:
    """
    Poses of a TUM file.

    :param trajectory: what the file holds
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """Return the pose at a stamp, see :class:`Poses`; a file needs no waiting."""
        between = self._trajectory.at(stamp_ns, max_gap_ns=max_gap_ns)
        if between is not None:
            return between
        return self._trajectory.nearest(stamp_ns, max_gap_ns=max_gap_ns)
