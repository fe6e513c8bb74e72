"""ROS 2 bags (sqlite3, mcap), read without ROS."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import struct
from typing import Any

import apsw
from depth_refiner_ros.core.errors import DepthRefinerError, InputError, SourceError
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.ros.camera import rectifier_from_info
from depth_refiner_ros.sources.ros.image import depth_from_message, rgb_from_message
from depth_refiner_ros.sources.ros.pose import trajectory_from_messages
from depth_refiner_ros.sources.ros.topics import pick_topics
import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.interfaces import Connection
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import get_typestore, Stores, TypesysError

WAITING = 30
"""Images that may wait for their depth; topics of a bag are seldom written in step."""

BROKEN = (
    AnyReaderError,
    ReaderError,
    TypesysError,
    apsw.Error,
    struct.error,
    OSError,
    EOFError,
    UnicodeDecodeError,
    MemoryError,
)
"""What a damaged bag raises; a damaged length asks for more memory than there is."""


class RosbagSource:
    """
    The images of a bag, each with the depth and pose that belong to it.

    Topics are found by their type where there is one of a kind; color and depth are told apart
    by the encoding of their first message. Camera model: the first CameraInfo; images with
    distortion are rectified unless ``rect`` is in the topic's name. Poses are of the optical frame
    in the map (PoseStamped, PoseWithCovarianceStamped, Odometry, TransformStamped), interpolated.
    A frame without depth or pose within ``max_gap_s`` comes with None in their place.

    :param path: bag folder, ``.mcap`` or ``.db3``
    :param image_topic: color Image or CompressedImage
    :param camera_info_topic: CameraInfo; '' for none
    :param depth_topic: Image 16UC1 or 32FC1 or compressed depth, registered; '' for none
    :param pose_topic: poses of the optical frame; '' for none
    :param max_gap_s: largest distance in time of depth and pose to the image
    :raises SourceError: where the bag cannot be read or a choice of topics is open
    """

    def __init__(
        self,
        path: Path | str,
        image_topic: str | None = None,
        camera_info_topic: str | None = None,
        depth_topic: str | None = None,
        pose_topic: str | None = None,
        *,
        max_gap_s: float = 0.02,
    ) -> None:
        self.path = Path(path)
        self.name = self.path.stem
        self.max_gap_ns = round(max_gap_s * 1e9)
        with self._reader() as reader:
            self.topics = pick_topics(
                reader,
                image=image_topic,
                camera_info=camera_info_topic,
                depth=depth_topic,
                pose=pose_topic,
            )
            self._frames = sum(link.msgcount for link in self._links(reader, 'image'))
            self.trajectory = self._poses(reader)
            self._rectifier = next(
                (
                    rectifier_from_info(info, image_topic=self.topics['image'] or '')
                    for _, info in self._messages(reader, 'camera_info')
                ),
                None,
            )
        self.intrinsics = self._rectifier.intrinsics if self._rectifier else None

    def __len__(self) -> int:
        return self._frames

    def __iter__(self) -> Iterator[Frame]:
        images: deque[tuple[int, Any]] = deque()
        depths: deque[tuple[int, Any]] = deque()
        last_ns = -1
        with self._reader() as reader:
            for topic, stamped in self._merged(reader):
                (images if topic == self.topics['image'] else depths).append(stamped)
                while images and self._ripe(images, depths):
                    last_ns = self._check_order(last_ns, images[0][0])
                    yield self._frame(*images.popleft(), depths)
            while images:
                last_ns = self._check_order(last_ns, images[0][0])
                yield self._frame(*images.popleft(), depths)

    def _ripe(self, images: deque[tuple[int, Any]], depths: deque[tuple[int, Any]]) -> bool:
        """Return whether no better depth for the first image can come."""
        if self.topics['depth'] is None or len(images) > WAITING:
            return True
        return bool(depths) and depths[-1][0] >= images[0][0]

    def _frame(self, stamp_ns: int, message: Any, depths: deque[tuple[int, Any]]) -> Frame:
        while depths and depths[0][0] < stamp_ns - self.max_gap_ns:
            depths.popleft()
        nearest = min(depths, key=lambda stamped: abs(stamped[0] - stamp_ns), default=None)
        rgb_HW3 = self._decoded('image', stamp_ns, rgb_from_message, message)
        depth_m_HW = None
        if nearest is not None and abs(nearest[0] - stamp_ns) <= self.max_gap_ns:
            depth_m_HW = self._decoded('depth', nearest[0], depth_from_message, nearest[1])
        self._check_sizes(rgb_HW3, depth_m_HW)
        if self._rectifier:
            rgb_HW3 = self._rectifier.rgb(rgb_HW3)
            depth_m_HW = None if depth_m_HW is None else self._rectifier.depth(depth_m_HW)
        return Frame(
            stamp_ns=stamp_ns,
            rgb_HW3=rgb_HW3,
            intrinsics=self.intrinsics,
            depth_m_HW=depth_m_HW,
            name=stamp_text(stamp_ns),
            map_from_camera=self.trajectory.at(stamp_ns, max_gap_ns=self.max_gap_ns),
        )

    def _check_sizes(self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray | None) -> None:
        size = rgb_HW3.shape[:2]
        camera = self.intrinsics
        if camera and size != (camera.height, camera.width):
            raise SourceError(
                f'{self.path}: image of {size[1]}x{size[0]} does not fit the '
                f'camera_info of {camera.width}x{camera.height}'
            )
        if depth_m_HW is not None and depth_m_HW.shape != size:
            raise SourceError(
                f'{self.path}: depth of {depth_m_HW.shape[1]}x'
                f'{depth_m_HW.shape[0]} does not fit the image of {size[1]}x'
                f'{size[0]}; choose the registered depth topic or pass '
                "depth_topic=''"
            )

    def _check_order(self, last_ns: int, stamp_ns: int) -> int:
        if stamp_ns <= last_ns:
            raise SourceError(
                f'{self.path}, {self.topics["image"]}: time does not move on from '
                f'{stamp_text(last_ns)} s to {stamp_text(stamp_ns)} s; cut the bag '
                'where it starts over'
            )
        return stamp_ns

    def _decoded(self, kind: str, stamp_ns: int, decoder: Any, message: Any) -> np.ndarray:
        try:
            return decoder(message)
        except InputError as error:
            raise SourceError(
                f'{self.path}, {self.topics[kind]} at {stamp_text(stamp_ns)} s: {error}'
            ) from error

    def _poses(self, reader: AnyReader) -> Trajectory:
        try:
            return trajectory_from_messages(self._messages(reader, 'pose'))
        except DepthRefinerError as error:
            raise SourceError(f'{self.path}, {self.topics["pose"]}: {error}') from error

    def _merged(self, reader: AnyReader) -> Iterator[tuple[str, tuple[int, Any]]]:
        links = [*self._links(reader, 'image'), *self._links(reader, 'depth')]
        for link, bag_ns, data in reader.messages(connections=links):
            message = reader.deserialize(data, link.msgtype)
            yield link.topic, (_stamp_ns(message, bag_ns), message)

    def _messages(self, reader: AnyReader, kind: str) -> Iterator[tuple[int, Any]]:
        links = self._links(reader, kind)
        if links:  # to the reader an empty choice means every topic
            for link, bag_ns, data in reader.messages(connections=links):
                message = reader.deserialize(data, link.msgtype)
                yield _stamp_ns(message, bag_ns), message

    def _links(self, reader: AnyReader, kind: str) -> list[Connection]:
        return [link for link in reader.connections if link.topic == self.topics[kind]]

    @contextmanager
    def _reader(self) -> Iterator[AnyReader]:
        if not self.path.exists():
            raise SourceError(f'there is no bag {self.path}')
        try:
            with AnyReader([self.path], default_typestore=get_typestore(Stores.LATEST)) as reader:
                yield reader
        except BROKEN as error:
            reason = ' '.join(str(error).split()) or type(error).__name__
            raise SourceError(
                f'bag {self.path} cannot be read: {reason:.200}; copy it again or '
                'try: ros2 bag reindex'
            ) from error


def _stamp_ns(message: Any, bag_ns: int) -> int:
    """Return the time of capture, or of recording where the sender left it at zero."""
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec) or bag_ns
