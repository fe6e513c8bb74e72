# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The poses of a node's frames, each waited for as long as the settings say."""

import time
from typing import Any

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.pose_inputs import pose_input
from depth_refiner_ros.nodes.inputs.poses import Poses
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.sources.doubts import Doubts
import numpy as np

THROTTLE_S = 10.0


class PoseLookup:
    """
    Looks up poses, and says why there is none.

    :param logger: of the node
    :param poses: if they do not come from topics
    """

    def __init__(self, logger: Any, poses: Poses | None = None) -> None:
        self._logger, self._poses = logger, poses
        self._doubts = Doubts(logger.warning)
        self.error = ''
        """Why the last frame has no pose; empty if it has one."""

    def subscribe(self, topics: Topics, settings: Any, *, topic: str = '') -> None:
        """
        Create the inputs.

        :param settings: as of :func:`pose_input`
        :param topic: of the poses; '' is ``pose`` or ``odom``
        :raises DepthRefinerError: if the source of poses cannot be used; it states the fix
        """
        self._poses = pose_input(topics, settings, self.report, topic=topic)

    def of(self, header: Any, arrived_s: float, settings: Any) -> np.ndarray | None:
        """
        Return ``map_from_camera`` at the stamp of a frame, None if it has not come in time.

        :param header: of the frame, with the camera's optical frame
        :param arrived_s: monotonic time of the frame, which the wait counts from
        :param settings: with pose_tolerance_ms and pose_wait_ms
        :raises InputError: if the poses are those of another frame, with no transform from it to
            the camera
        """
        assert self._poses is not None, 'subscribe made it'
        stamp_ns = stamp_ns_of(header)
        waited_s = time.monotonic() - arrived_s
        pose = self._poses.wait_at(
            stamp_ns,
            header.frame_id,
            max_gap_ns=round(settings.pose_tolerance_ms * 1e6),
            timeout_s=max(0.0, settings.pose_wait_ms * 1e-3 - waited_s),
        )
        if pose is None:
            self.report(self._poses.why_none(stamp_ns, header.frame_id))
            return None
        self.error = ''
        self._doubts.pose('the poses', stamp_ns, pose)
        return pose

    def report(self, line: str) -> None:
        """Log why poses cannot be used, and keep the line for diagnostics."""
        self.error = line
        self._logger.warning(line, throttle_duration_sec=THROTTLE_S)
