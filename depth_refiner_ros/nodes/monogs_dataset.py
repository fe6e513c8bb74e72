# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
A data set for MonoGS that is fed by the refiner's topics; docs/monogs.md says how to add it.

MonoGS pulls frames by number: color as a 3xHxW tensor in 0..1, depth in metres as a finite HxW
array with 0 where it is unknown, and a 4x4 pose, which is the identity for a live source. What
arrives between two pulls is left out, as by its own RealSense source.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
import math
import threading
import time
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SettingsError, SourceError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.nodes.inputs.posed_frames import (
    DepthDecoder,
    DepthFrame,
    DepthSet,
    subscribe_depth,
)
from depth_refiner_ros.nodes.runtime.mailbox import Mailbox
from depth_refiner_ros.nodes.runtime.topics import Topics
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
import torch

ENDLESS = 999_999
"""The length of MonoGS' own live source."""
KEY = 'ros'


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """
    What may stand in ``Dataset.ros`` of a MonoGS configuration.

    :param namespace: of the refiner
    :param color: topic of the image that the depth belongs to
    :param depth: topic of the depth, as metres or millimetres
    :param camera_info: topic of the camera of both
    :param reliability: sensor_data or reliable
    :param timeout_s: the longest wait for a frame
    :param tolerance_ms: largest gap of the stamps of color and depth
    """

    namespace: str = ''
    color: str = 'color/image'
    depth: str = 'depth/image'
    camera_info: str = 'depth/camera_info'
    reliability: str = 'sensor_data'
    timeout_s: float = 30.0
    tolerance_ms: float = 1.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> 'LiveOptions':
        """
        Read the options.

        :raises SettingsError: for an unknown one
        """
        known = [item.name for item in fields(cls)]
        for name in given:
            if name not in known:
                raise SettingsError(
                    f'Dataset.{KEY}.{name} is unknown; use one of {", ".join(known)}'
                )
        return cls(**given)


class LiveDataset:
    """
    Color and depth as they come.

    Waits for the first frame, whose camera is that of all frames; one of another camera is left
    out with a line.

    :param args: not used; MonoGS gives its data sets the command line
    :param path: not used
    :param config: of MonoGS; ``Dataset.ros`` holds :class:`LiveOptions`
    :raises SettingsError: for an unknown option
    :raises SourceError: if no frame comes
    """

    def __init__(self, args: object, path: object, config: Mapping[str, Any]) -> None:
        self.args, self.path, self.config = args, path, config
        self._options = LiveOptions.of(config['Dataset'].get(KEY) or {})
        self.device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
        self.dtype = torch.float32
        self.num_imgs = ENDLESS
        self._frames: Mailbox[DepthSet] = Mailbox()
        self._camera: Intrinsics | None = None
        self._start()
        try:
            self._first: DepthFrame | None = self._next()
        except BaseException:
            self.close()
            raise
        camera = self._first.intrinsics
        self._camera = camera
        self.width, self.height = camera.width, camera.height
        self.fx, self.fy, self.cx, self.cy = camera.fx, camera.fy, camera.cx, camera.cy
        self.fovx = 2.0 * math.atan(camera.width / (2.0 * camera.fx))
        self.fovy = 2.0 * math.atan(camera.height / (2.0 * camera.fy))
        self.has_depth, self.disorted = True, False  # MonoGS spells it so

    def __len__(self) -> int:
        return ENDLESS

    def __getitem__(self, index: int) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
        """
        Wait for a frame that was not given yet, the newest.

        :return: color, depth and the identity
        :raises SourceError: if none comes
        """
        first, self._first = self._first, None
        # The first frame waited for MonoGS to start; a newer one takes its place.
        frame = first if first is not None and not len(self._frames) else self._next()
        assert frame.rgb_HW3 is not None
        color = torch.from_numpy(frame.rgb_HW3).to(self.device, self.dtype).div_(255.0)
        depth_m_HW = np.where(np.isfinite(frame.depth_m_HW), frame.depth_m_HW, np.float32(0.0))
        return (
            color.permute(2, 0, 1).contiguous(),
            depth_m_HW,
            torch.eye(4, device=self.device, dtype=self.dtype),
        )

    def close(self) -> None:
        """Stop to receive; a waiting pull ends with an error."""
        self._frames.close()
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        self._context.try_shutdown()

    def _log(self, line: str) -> None:
        self._node.get_logger().warning(line)

    def _keep(self, found: DepthSet) -> None:
        self._frames.put(found)  # what it displaces was never asked for

    def _start(self) -> None:
        """Subscribe, in a context of its own, and receive in the background."""
        options = self._options
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = Node('monogs', context=self._context, namespace=options.namespace or None)
        topics = Topics(self._node)
        self._depth_topic = topics.full_name(options.depth)
        self._decoder = DepthDecoder(self._depth_topic, self._log)
        subscribe_depth(
            topics,
            names={
                'color/image': options.color,
                'depth/image': options.depth,
                'depth/camera_info': options.camera_info,
            },
            color=True,
            confidence=False,
            reliability=options.reliability,
            tolerance_ms=options.tolerance_ms,
            queue=0,
            on_frame=self._keep,
            on_drop=lambda header: None,
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _next(self) -> DepthFrame:
        deadline_s = time.monotonic() + self._options.timeout_s
        while found := self._frames.take(deadline_s - time.monotonic()):
            try:
                frame = self._decoder.decoded(found)
            except InputError as error:
                self._log(f'frame left out: {error}')
                continue
            if self._camera is None or frame.intrinsics == self._camera:
                return frame
            self._log(f'frame left out: its camera is {frame.intrinsics}, not {self._camera}')
        if self._frames.closed:
            raise SourceError('the live data set was closed')
        raise SourceError(
            f'no color and depth of one stamp on {shown(self._depth_topic)} for '
            f'{self._options.timeout_s:g} s; start the refiner, or name its topics in '
            f'Dataset.{KEY} of the configuration (namespace, color, depth, camera_info)'
        )
