# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Base class of fusion and recorder: depth with its pose, which may arrive later."""

from typing import Any

from depth_refiner_ros.nodes.inputs.pose_inputs import without_effect
from depth_refiner_ros.nodes.inputs.pose_lookup import PoseLookup
from depth_refiner_ros.nodes.inputs.posed_frames import (
    DepthDecoder,
    DepthFrame,
    DepthSet,
    subscribe_depth,
)
from depth_refiner_ros.nodes.runtime.worker_node import REPEATED, SkipError, WorkerNode
import numpy as np


class PosedNode(WorkerNode):
    """
    A worker node for posed depth.

    :param name: of the node
    :param defaults: settings, with those of poses, queue and inputs
    """

    def __init__(self, name: str, defaults: Any) -> None:
        super().__init__(name, defaults)
        self._poses: PoseLookup | None = None
        self._decoder: DepthDecoder | None = None

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
        for line in without_effect(settings):
            self.get_logger().warning(line)
        if settings.pose_source not in ('none', 'own'):
            self._poses = PoseLookup(self.get_logger())
            self._poses.subscribe(self.topics, settings, topic=self.topic_names.get('pose', ''))
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
            on_far=self.get_logger().warning,
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
        pose = self._poses.of(item.header, item.arrived_s, self.settings)
        if pose is None:
            raise SkipError('no_pose')
        return pose

    def warnings(self) -> list[str]:
        """Return warnings about poses that cannot be used."""
        return [self._poses.error] if self._poses and self._poses.error else []

    def advice(self) -> dict[str, str]:
        """Return why frames are dropped and what to do, by reason."""
        others = ', color' * self.uses_color + ', confidence' * self.uses_confidence
        return {
            'unmatched': f'the stamps of depth{others} and camera_info differ; see '
            'sync_tolerance_ms',
            REPEATED: 'the stamp of depth does not change; its driver has to stamp each image',
        }

    def _log(self, line: str) -> None:
        self.get_logger().info(line)
