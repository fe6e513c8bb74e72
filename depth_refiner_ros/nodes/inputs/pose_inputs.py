"""Poses from the source that the settings name: TF, PoseStamped, Odometry or a TUM file."""

from collections.abc import Callable
from pathlib import Path
import time
from typing import Any

from depth_refiner_ros.core.errors import InputError, MappingError, SettingsError
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.mapping.trajectory import read_tum
from depth_refiner_ros.nodes.conversions.headers import stamp_ns_of, stamp_of
from depth_refiner_ros.nodes.inputs.poses import FilePoses, PoseBuffer, Poses
from depth_refiner_ros.nodes.runtime.topics import Topics
from depth_refiner_ros.sources.ros.pose import pose_from_message
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry
import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.time import Time

try:
    import tf2_ros
except ImportError:
    tf2_ros = None

POSE_QUEUE = 1000
TF_POLL_S = 0.01
OUT_OF_ORDER_NS = 100_000_000
"""A pose this little older than the last one is late; farther back, time has jumped."""


def pose_input(
    node: LifecycleNode, topics: Topics, settings: Any, on_error: Callable[[str], None]
) -> Poses:
    """
    Start to take in poses.

    :param settings: with pose_source, pose_file, map_frame, body_from_camera and input_qos
    :param on_error: told of each pose that cannot be used
    :raises DepthRefinerError: where the source cannot be used, with what to do
    """
    if settings.pose_source == 'file':
        if not settings.pose_file:
            raise SettingsError('pose_source = file needs pose_file, a TUM trajectory')
        return FilePoses(read_tum(Path(settings.pose_file).expanduser()))
    if settings.pose_source == 'tf':
        return TfPoses(node, settings.map_frame)
    buffer = TopicPoses(settings.map_frame, body_from_camera(settings.body_from_camera), on_error)
    kind, name = {'pose': (PoseStamped, 'pose'), 'odom': (Odometry, 'odom')}[settings.pose_source]
    topics.subscribe(kind, name, buffer.take_in, reliability=settings.input_qos, depth=POSE_QUEUE)
    return buffer


def body_from_camera(text: str) -> np.ndarray | None:
    """
    Read ``x y z qx qy qz qw``.

    :return: 4 x 4 pose, None where the text is empty
    :raises SettingsError: where it is not seven numbers with a unit quaternion
    """
    if not text.strip():
        return None
    try:
        numbers = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError as error:
        raise SettingsError(f'body_from_camera = {text!r}: {error}') from error
    if len(numbers) != 7:
        raise SettingsError(f'body_from_camera = {text!r} must be x y z qx qy qz qw')
    return pose_from_quaternion(numbers[:3], numbers[3:])


class TopicPoses(PoseBuffer):
    """
    Poses from messages.

    :param map_frame: the frame that they must be in
    :param body_from_camera: pose of the optical frame in the moving frame; None for the same
    :param on_error: told of each pose that cannot be used
    """

    def __init__(
        self, map_frame: str, body_from_camera: np.ndarray | None, on_error: Callable[[str], None]
    ) -> None:
        super().__init__()
        self._map_frame = map_frame
        self._body_from_camera = body_from_camera
        self._on_error = on_error
        self._child_frame = ''
        self._last_ns = 0

    def take_in(self, message: Any) -> None:
        """Store the pose of a PoseStamped or Odometry."""
        frame_id = message.header.frame_id
        if frame_id and frame_id != self._map_frame:
            self._on_error(
                f'poses are in frame {frame_id!r} but map_frame is '
                f'{self._map_frame!r}; set map_frame:={frame_id}'
            )
            return
        stamp_ns = stamp_ns_of(message.header)
        if stamp_ns < self._last_ns - OUT_OF_ORDER_NS:
            self.clear()
            self._last_ns = stamp_ns
        self._last_ns = max(self._last_ns, stamp_ns)
        self._child_frame = getattr(message, 'child_frame_id', '')
        try:
            pose = pose_from_message(message)
        except MappingError as error:
            self._on_error(str(error))
            return
        self.add(
            stamp_ns, pose if self._body_from_camera is None else pose @ self._body_from_camera
        )

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """
        Return the pose at a stamp, see :class:`Poses`.

        :raises InputError: where the odometry is of another frame than the camera's
        """
        pose = super().wait_at(stamp_ns, frame_id, max_gap_ns=max_gap_ns, timeout_s=timeout_s)
        if self._body_from_camera is None and self._child_frame not in ('', frame_id):
            raise InputError(
                f'odom describes {self._child_frame!r} but depth is in {frame_id!r};'
                ' set body_from_camera to x y z qx qy qz qw of the optical frame in '
                'it, or pose_source:=tf'
            )
        return pose


class TfPoses:
    """
    Poses from TF.

    :param node: that listens
    :param map_frame: fixed frame
    :raises SettingsError: where tf2_ros is not installed
    """

    def __init__(self, node: LifecycleNode, map_frame: str) -> None:
        if tf2_ros is None:
            raise SettingsError(
                'pose_source = tf needs tf2_ros, which this Python lacks; install '
                'ros-<distro>-tf2-ros-py or set pose_source to pose, odom or file'
            )
        self._map_frame = map_frame
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """Return the pose at a stamp, see :class:`Poses`; TF interpolates by itself."""
        deadline_s = time.monotonic() + timeout_s
        at = Time.from_msg(stamp_of(stamp_ns))
        while not self._buffer.can_transform(self._map_frame, frame_id, at):
            if time.monotonic() > deadline_s:
                return None
            time.sleep(TF_POLL_S)
        return pose_from_message(self._buffer.lookup_transform(self._map_frame, frame_id, at))
