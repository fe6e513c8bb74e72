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
from depth_refiner_ros.core.messages import nearest, shown
from depth_refiner_ros.nodes.inputs.posed_frames import (
    DepthDecoder,
    DepthFrame,
    DepthSet,
    subscribe_depth,
)
from depth_refiner_ros.nodes.runtime.mailbox import Mailbox
from depth_refiner_ros.nodes.runtime.qos import RELIABILITY
from depth_refiner_ros.nodes.runtime.topics import Topics
import numpy as np
import rclpy
from rclpy.context import Context
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.logging import get_logger
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

        :raises SettingsError: for an unknown one, or a value that does not fit
        """
        known = [item.name for item in fields(cls)]
        for name in given:
            if name not in known:
                raise SettingsError(
                    f'Dataset.{KEY}.{name} is unknown; use one of {", ".join(known)}'
                    f'{nearest(name, known)}'
                )
        options = cls(**given)
        for name in ('namespace', 'color', 'depth', 'camera_info', 'reliability'):
            value = getattr(options, name)
            if not isinstance(value, str) or not (value or name == 'namespace'):
                raise _unfit(name, value, 'a name')
        if options.reliability not in RELIABILITY:
            raise _unfit('reliability', options.reliability, ' or '.join(RELIABILITY))
        for name, least in (('timeout_s', 1e-3), ('tolerance_ms', 0.0)):
            value = getattr(options, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise _unfit(name, value, 'a number')
            if not least <= value < 1e6:
                raise _unfit(name, value, f'a number from {least:g}')
        return options


def _unfit(name: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(f'Dataset.{KEY}.{name} = {shown(value)} must be {wanted}')


class LiveDataset:
    """
    Color and depth as they come.

    Waits for the first frame, whose camera is that of all frames; one of another camera is left
    out with a line. When no frame comes any more its length becomes the number of frames that
    were pulled, at which MonoGS ends and saves its map.

    :param args: not used; MonoGS gives its data sets the command line
    :param path: not used
    :param config: of MonoGS; ``Dataset.ros`` holds :class:`LiveOptions`
    :raises SettingsError: for an unknown option or an unfit value
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
        self._pulled = 0
        self._context = Context()
        rclpy.init(context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._node: Node | None = None
        self._thread = threading.Thread(target=self._receive, daemon=True)
        try:
            self._start()
            first = self._next(self._options.timeout_s)
            if first is None:
                raise SourceError(self._silence())
        except BaseException:
            self.close()
            raise
        self._waiting: DepthFrame | None = first
        camera = first.intrinsics
        self._camera = camera
        self.width, self.height = camera.width, camera.height
        self.fx, self.fy, self.cx, self.cy = camera.fx, camera.fy, camera.cx, camera.cy
        self.fovx = 2.0 * math.atan(camera.width / (2.0 * camera.fx))
        self.fovy = 2.0 * math.atan(camera.height / (2.0 * camera.fy))
        self.has_depth, self.disorted = True, False  # MonoGS spells it so

    def __len__(self) -> int:
        """Wait for a frame; return a number without end, or that of all frames if none comes."""
        self._waiting = self._waiting or self._next(self._options.timeout_s)
        if self._waiting is None:
            self._log(f'ended after {self._pulled} frames: {self._silence()}')
            return self._pulled
        return ENDLESS

    def __getitem__(self, index: int) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
        """
        Wait for a frame that was not given yet, the newest.

        :return: color, depth and the identity
        :raises SourceError: if none comes
        """
        # A newer one takes the place of one that waited, as the first does while MonoGS starts.
        frame = self._next(0.0) or self._waiting or self._next(self._options.timeout_s)
        if frame is None:
            raise SourceError(self._silence())
        self._waiting = None
        self._pulled += 1
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
        if self._thread.is_alive():
            self._thread.join()
        if self._node is not None:
            self._node.destroy_node()
        self._context.try_shutdown()

    def _log(self, line: str) -> None:
        get_logger('monogs').warning(line)

    def _keep(self, found: DepthSet) -> None:
        self._frames.put(found)  # what it displaces was never asked for

    def _start(self) -> None:
        """
        Subscribe, and receive in the background.

        :raises SettingsError: for a name that ROS does not allow
        """
        options = self._options
        try:
            self._node = Node('monogs', context=self._context, namespace=options.namespace or None)
            for name in (options.color, options.depth, options.camera_info):
                self._node.resolve_topic_name(name)
        except (NameValidationException, RuntimeError) as error:
            line = str(error).splitlines()[0]
            raise SettingsError(f'a name in Dataset.{KEY} is none for ROS: {line}') from error
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
            on_far=self._log,
        )
        self._executor.add_node(self._node)
        self._thread.start()

    def _receive(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def _next(self, timeout_s: float) -> DepthFrame | None:
        """Return the next frame that can be used; None if none comes in time."""
        deadline_s = time.monotonic() + timeout_s
        while found := self._frames.take(max(0.0, deadline_s - time.monotonic())):
            try:
                frame = self._decoder.decoded(found)
            except InputError as error:
                self._log(f'frame left out: {error}')
                continue
            if self._camera is None or frame.intrinsics == self._camera:
                return frame
            self._log(f'frame left out: its camera is {frame.intrinsics}, not {self._camera}')
        return None

    def _silence(self) -> str:
        return (
            f'no color and depth of one stamp on {shown(self._depth_topic)} for '
            f'{self._options.timeout_s:g} s; start the refiner, or name its topics in '
            f'Dataset.{KEY} of the configuration (namespace, color, depth, camera_info)'
        )
