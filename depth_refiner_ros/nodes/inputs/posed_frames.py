# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth with camera, color, confidence and pose, joined from their topics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
import time
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.nodes.inputs.frame_sync import QUEUE
from depth_refiner_ros.nodes.inputs.stamp_join import StampJoin
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.sources.doubts import Doubts
from depth_refiner_ros.sources.ros.camera import CameraReader, UNCALIBRATED
from depth_refiner_ros.sources.ros.color import rgb_from_image
from depth_refiner_ros.sources.ros.depth import depth_from_image
from depth_refiner_ros.sources.ros.pixels import matrix_of
import numpy as np
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header


@dataclass(frozen=True, kw_only=True)
class DepthSet:
    """
    Messages of one stamp.

    :param messages: topic name to message
    :param arrived_s: monotonic time at which the set was complete
    """

    messages: dict[str, Any]
    arrived_s: float

    @property
    def header(self) -> Any:
        """Return the depth's header."""
        return self.messages['depth/image'].header


@dataclass(frozen=True, kw_only=True)
class DepthFrame:
    """
    One decoded set.

    :param depth_m_HW: NaN where unknown
    :param rgb_HW3: None if color is not requested
    :param confidence_HW: None if confidence is not requested
    """

    depth_m_HW: np.ndarray
    intrinsics: Intrinsics
    rgb_HW3: np.ndarray | None
    confidence_HW: np.ndarray | None


class DepthDecoder:
    """
    Turns sets of messages into arrays; a distorted camera is undistorted.

    :param depth_topic: its name shows whether the images come rectified
    :param log: called once if they do not, and for what looks wrong
    """

    def __init__(self, depth_topic: str, log: Callable[[str], None]) -> None:
        self._camera, self._doubts = CameraReader(depth_topic, log), Doubts(log)
        self._topic = depth_topic

    def decoded(self, depth_set: DepthSet) -> DepthFrame:
        """
        Return the arrays of a set.

        :raises InputError: if a message cannot be read, the sizes differ or the camera is not
            calibrated
        """
        messages = depth_set.messages
        depth_m_HW = depth_from_image(messages['depth/image'])
        height, width = depth_m_HW.shape
        rectifier = self._camera.rectifier(messages['depth/camera_info'], width, height)
        if rectifier is None:
            raise InputError(UNCALIBRATED)
        self._doubts.camera('depth/camera_info', rectifier.intrinsics)
        self._doubts.depth(self._topic, depth_m_HW)
        self._doubts.encoding(self._topic, messages['depth/image'])
        color, confidence = messages.get('color/image'), messages.get('depth/confidence')
        rgb_HW3 = None if color is None else rgb_from_image(color)
        confidence_HW = None if confidence is None else matrix_of(confidence, 'f4', 1)
        for name, image in (('color/image', rgb_HW3), ('depth/confidence', confidence_HW)):
            if image is not None and image.shape[:2] != (height, width):
                raise InputError(
                    f'{name} is {image.shape[1]}x{image.shape[0]} but depth/image is '
                    f'{width}x{height}; use the color that the depth belongs to'
                )
        return DepthFrame(
            depth_m_HW=rectifier.depth(depth_m_HW),
            intrinsics=rectifier.intrinsics,
            rgb_HW3=None if rgb_HW3 is None else rectifier.rgb(rgb_HW3),
            confidence_HW=None if confidence_HW is None else rectifier.depth(confidence_HW),
        )


def subscribe_depth(
    topics: Topics,
    *,
    names: Mapping[str, str],
    color: bool,
    confidence: bool,
    reliability: str,
    tolerance_ms: float,
    queue: int,
    on_frame: Callable[[DepthSet], None],
    on_drop: Callable[[Header], None],
    on_far: Callable[[str], object],
) -> None:
    """
    Subscribe to depth and the topics that belong to it, and join them by stamp.

    :param names: topics that replace the usual ones, by usual name
    :param on_far: see :class:`StampJoin`
    """
    kinds: dict[str, type] = {'depth/camera_info': CameraInfo}
    kinds |= {'color/image': Image} if color else {}
    kinds |= {'depth/confidence': Image} if confidence else {}
    # Depth comes last: once this subscription is visible, the others exist, too.
    kinds |= {'depth/image': Image}
    queue = max(queue, QUEUE)
    join = StampJoin(
        list(kinds),
        tolerance_ms=tolerance_ms,
        queue=queue,
        on_drop=on_drop,
        on_far=on_far,
        on_set=lambda *messages: on_frame(
            DepthSet(messages=dict(zip(kinds, messages)), arrived_s=time.monotonic())
        ),
    )
    for name, kind in kinds.items():
        topics.subscribe(
            kind,
            names.get(name, name),
            partial(join.add, name),
            reliability=reliability,
            depth=queue,
        )
