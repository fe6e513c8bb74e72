# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Base class of fusion and recorder: depth with its pose, which may arrive later."""

import time
from typing import Any

from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.inputs.pose_inputs import pose_input
from depth_refiner_ros.nodes.inputs.posed_frames import (
    DepthDecoder,
    DepthFrame,
    DepthSet,
    subscribe_depth,
)
from depth_refiner_ros.nodes.inputs.poses import Poses
from depth_refiner_ros.nodes.runtime.worker_node import SkipError, WorkerNode
from depth_refiner_ros.sources.doubts import Doubts
import numpy as np


class PosedNode(WorkerNode):
    """
    A worker node for posed depth.

    :param name: of the node
    :param defaults: settings, with those of poses, queue and inputs
    """

    def __init__(self, name: str, defaults: Any) -> None:
        super().__init__(name, defaults)
        self._poses: Poses | None = None
        self._decoder: DepthDecoder | None = None
        self._pose_error = ''
        self._doubts = Doubts(self.get_logger().warning)

    @property
    def uses_color(self) -> bool:
        """Whether frames wait for their color."""
        return True

    @property
    def uses_confidence(self) -> bool:
        """Whether frames wait for their confidence."""
        return False

    @property
    def topic_names(self) -> dict[str, str]:
        """Return the topics in the settings that replace the usual ones, by usual name."""
        return {}

    def capacity(self) -> int:
        """Return the number of frames that may wait for a pose."""
        return int(self.settings.queue)

    def subscribe(self) -> None:
        """Subscribe to poses first, so that they are available when their depth arrives."""
        settings = self.settings
        if settings.pose_source not in ('none', 'own'):
            self._poses = pose_input(
                self.topics,
                settings,
                self._report_pose_error,
                topic=self.topic_names.get('pose', ''),
            )
        depth_topic = self.topic_names.get('depth/image', 'depth/image')
        self._decoder = DepthDecoder(self.resolve_topic_name(depth_topic), self._log)
        subscribe_depth(
            self.topics,
            names=self.topic_names,
            color=self.uses_color,
            confidence=self.uses_confidence,
            reliability=settings.input_qos,
            tolerance_ms=settings.sync_tolerance_ms,
            queue=settings.queue,
            on_frame=self.accept,
            on_drop=self.refuse,
        )

    def decoded(self, item: DepthSet) -> DepthFrame:
        """
        Return the arrays of a set.

        :raises InputError: if a message cannot be read or the sizes differ
        """
        assert self._decoder is not None, 'subscribe made it'
        return self._decoder.decoded(item)

    def pose_of(self, item: DepthSet) -> np.ndarray | None:
        """
        Return the pose of a frame, None if no pose is requested.

        :raises SkipError: if it does not arrive in time
        """
        if self._poses is None:
            return None
        settings, header = self.settings, item.header
        waited_s = time.monotonic() - item.arrived_s
        pose = self._poses.wait_at(
            stamp_ns_of(header),
            header.frame_id,
            max_gap_ns=round(settings.pose_tolerance_ms * 1e6),
            timeout_s=max(0.0, settings.pose_wait_ms * 1e-3 - waited_s),
        )
        if pose is None:
            self._report_pose_error(self._poses.why_none(stamp_ns_of(header), header.frame_id))
            raise SkipError('no_pose')
        self._pose_error = ''
        self._doubts.pose('the poses', stamp_ns_of(header), pose)
        return pose

    def warnings(self) -> list[str]:
        """Return warnings about poses that cannot be used."""
        return [self._pose_error] if self._pose_error else []

    def _log(self, line: str) -> None:
        self.get_logger().info(line)

    def _report_pose_error(self, line: str) -> None:
        self._pose_error = line
        self.get_logger().warning(line, throttle_duration_sec=10.0)
