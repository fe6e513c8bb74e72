# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Record a live camera, whose clock may be wrong for a frame."""

from collections.abc import Callable

from depth_refiner_ros.core.cuts import LONGEST_GAP_NS
from depth_refiner_ros.mapping.poses import checked_pose
from depth_refiner_ros.mapping.recording import not_after, SequenceWriter
import numpy as np


class LiveRecording:
    """
    Pass frames on to a writer, but one that is ahead of those after it.

    A frame that is far ahead of the last one, and the first, is held until the next one shows
    that time goes on from it. If time does not, it is left out: all others would be refused.

    :param writer: closed with this
    :param on_ahead: called with the stamp of a frame that is left out
    """

    def __init__(self, writer: SequenceWriter, on_ahead: Callable[[int], None]) -> None:
        self._writer, self._on_ahead = writer, on_ahead
        self._held: tuple[int, np.ndarray, np.ndarray, np.ndarray | None] | None = None

    def add(
        self,
        stamp_ns: int,
        rgb_HW3: np.ndarray,
        depth_m_HW: np.ndarray,
        map_from_camera: np.ndarray | None = None,
    ) -> None:
        """Write or hold one frame; see :meth:`~.recording.SequenceWriter.add`."""
        self._writer.check(stamp_ns, rgb_HW3, depth_m_HW)
        if self._held is not None and stamp_ns == self._held[0]:  # which tells nothing of it
            raise not_after(stamp_ns, stamp_ns)
        try:
            self._decide(stamp_ns)
        finally:  # what became of another frame does not matter to this one
            last_ns = self._writer.last_ns
            if last_ns is None or stamp_ns - last_ns > LONGEST_GAP_NS:
                pose = None if map_from_camera is None else checked_pose(map_from_camera)
                self._held = stamp_ns, rgb_HW3, depth_m_HW, pose
            else:
                self._writer.add(stamp_ns, rgb_HW3, depth_m_HW, map_from_camera)

    def close(self) -> None:
        """Write the frame that is held, and close the writer."""
        try:
            self._write_held()
        finally:
            self._writer.close()

    def __len__(self) -> int:
        return len(self._writer)

    def _decide(self, next_ns: int) -> None:
        """Write the frame that is held, or leave it out if the next one is not after it."""
        if self._held is not None and next_ns < self._held[0]:
            self._on_ahead(self._held[0])
            self._held = None
        self._write_held()

    def _write_held(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            self._writer.add(*held)
