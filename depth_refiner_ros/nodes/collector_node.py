# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The node ``collector``: records what a graph publishes, for a report made without ROS.

It writes ``arrivals.csv`` (topic, stamp, time of arrival), one NPY file for each depth and
confidence map, and ``diagnostics.jsonl``. A file is complete once its arrival is in the table.
"""

from collections.abc import Callable
import json
import time
from typing import Any

from depth_refiner_ros.core.atomic import output_errors
from depth_refiner_ros.core.errors import InputError, SettingsError
from depth_refiner_ros.core.line_file import LineFile
from depth_refiner_ros.core.places import user_path
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of
from depth_refiner_ros.nodes.runtime.parameters import NodeParameters
from depth_refiner_ros.nodes.runtime.qos import qos
from depth_refiner_ros.nodes.runtime.run import run, SUCCESS
from depth_refiner_ros.settings.nodes import CollectorNodeSettings
from depth_refiner_ros.sources.ros.color import rgb_from_image
from depth_refiner_ros.sources.ros.pixels import matrix_of
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

QUEUE = 100
THROTTLE_S = 5.0


class CollectorNode(Node):
    """
    Subscribes to the inputs and outputs of the graph.

    :raises SettingsError: without a folder
    :raises OutputError: if it cannot be written
    """

    def __init__(self) -> None:
        super().__init__('collector', automatically_declare_parameters_from_overrides=True)
        settings = NodeParameters(self, CollectorNodeSettings()).settings
        if not settings.folder:
            raise SettingsError('folder is empty; set it to the folder to write to')
        self.exit_code, self.finished = SUCCESS, False
        self._keep_images = settings.keep_images
        self._folder = user_path(settings.folder)
        self._arrivals = LineFile(self._folder / 'arrivals.csv')
        self._diagnostics = LineFile(self._folder / 'diagnostics.jsonl')
        self._listen(late=settings.late)

    def _listen(self, *, late: bool) -> None:
        inputs, outputs = qos('sensor_data', QUEUE), qos('reliable', QUEUE)
        refined = qos('reliable', QUEUE, late=late)
        for kind, topic, callback, profile in (
            (Image, 'image', self._keep_color, inputs),
            (CameraInfo, 'camera_info', self._note, inputs),
            (Image, 'depth/image', self._keep, refined),
            (Image, 'depth/confidence', self._keep, refined),
            (CameraInfo, 'depth/camera_info', self._note, refined),
            (PointCloud2, 'points', self._note, refined),
            (Header, 'refiner/done', self._note, outputs),
            (Header, 'refiner/skipped', self._note, outputs),
            (Header, 'tsdf/done', self._note, outputs),
        ):
            self.create_subscription(kind, topic, self._received(callback, topic), profile)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._keep_diagnostics, outputs)

    def _received(
        self, callback: Callable[[str, Any, int], None], topic: str
    ) -> Callable[[Any], None]:
        """Return the callback of a topic; a message that cannot be read is logged and left out."""

        def receive(message: Any) -> None:
            # Read first, so that the latency does not include the work of the callback.
            arrived_ns = time.time_ns()
            try:
                callback(topic, message, arrived_ns)
            except InputError as error:
                line = f'{topic} left out: {error}'
                self.get_logger().error(line, throttle_duration_sec=THROTTLE_S)

        return receive

    def _note(self, topic: str, message: Any, arrived_ns: int) -> None:
        header = message if isinstance(message, Header) else message.header
        self._arrivals.add(f'{topic},{stamp_ns_of(header)},{arrived_ns}')

    def _keep(self, topic: str, image: Image, arrived_ns: int) -> None:
        self._save(topic, image, matrix_of(image, 'f4', 1))
        self._note(topic, image, arrived_ns)

    def _keep_color(self, topic: str, image: Image, arrived_ns: int) -> None:
        if self._keep_images:
            self._save(topic, image, rgb_from_image(image))
        self._note(topic, image, arrived_ns)

    def _save(self, topic: str, image: Image, values: np.ndarray) -> None:
        file = self._folder / f'{topic.replace("/", "_")}_{stamp_ns_of(image.header)}.npy'
        with output_errors(file):
            np.save(file, values)

    def _keep_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            level = status.level
            self._diagnostics.add(
                json.dumps(
                    {
                        'name': status.name,
                        'message': status.message,
                        'level': level[0] if isinstance(level, bytes) else int(level),
                        'values': {item.key: item.value for item in status.values},
                    }
                )
            )

    def autostarted(self) -> bool:
        """Whether it is active: always, from the start."""
        return True

    def close(self) -> None:
        """Finish the files."""
        self._arrivals.close()
        self._diagnostics.close()


def main(args: list[str] | None = None) -> int:
    """Collect until a signal ends it."""
    return run('collector', CollectorNode, args)


if __name__ == '__main__':
    raise SystemExit(main())
