# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ROS 2 bags (sqlite3, mcap), read without ROS."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, SourceError
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.sources.doubts import Doubts
from depth_refiner_ros.sources.frame import Frame, too_far_away
from depth_refiner_ros.sources.lost_frames import (
    frame_or_lost,
    FrameError,
    LostFrame,
    NO_CAMERA,
    REPEATED_STAMP,
    STAMP_OUT_OF_ORDER,
    UNREADABLE_DEPTH,
    UNREADABLE_IMAGE,
)
from depth_refiner_ros.sources.pixel_grid import on_grid
from depth_refiner_ros.sources.rectify import Keep, none_kept, Rectifier
from depth_refiner_ros.sources.ros.bag_files import BagFiles
from depth_refiner_ros.sources.ros.bag_frames import MessageJoin, MessageSet
from depth_refiner_ros.sources.ros.bag_messages import BagMessage, BagMessages
from depth_refiner_ros.sources.ros.bag_poses import BagPoses
from depth_refiner_ros.sources.ros.camera import CameraReader
from depth_refiner_ros.sources.ros.camera_poses import CameraPoses, parsed_body_from_camera
from depth_refiner_ros.sources.ros.image import depth_from_message, image_size, rgb_from_message
from depth_refiner_ros.sources.ros.topics import IMAGES, TopicChooser
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np

BREAKS_OFF = 'recording breaks off'


def _silent(line: str) -> None:
    """Ignore a line."""


class RosbagSource:
    """
    The images of a bag, each with the depth, camera model and pose that belong to it.

    Topics are found by type and name, see ``topics.py``. Camera models and poses are read by the
    code of the live nodes, see :class:`CameraReader` and :class:`CameraPoses`. A frame without
    depth or pose within ``max_gap_s`` has None in its place. A bad message costs only its own
    frame.

    :param path: bag folder, ``.mcap`` or ``.db3``
    :param image_topic: color Image or CompressedImage; '' finds it
    :param depth_topic: Image 16UC1 or 32FC1 or compressed depth, registered to the color; ''
        finds it, ``none`` reads none
    :param info_topic: CameraInfo; '' finds it, ``none`` reads none
    :param pose_topic: poses or /tf; '' finds them, ``none`` reads none
    :param body_from_camera: ``x y z qx qy qz qw`` of the optical frame in the frame that the
        poses describe; '' takes it from /tf_static and /tf
    :param image_bits: bits that 16-bit images use; 0 finds them
    :param max_gap_s: largest distance in time of depth and pose to the image
    :param keep: for which lenses images are kept as they are, not rectified
    :param log: called with one line for what was found, assumed or left out
    :raises SourceError: if the bag cannot be read, the choice of topics is ambiguous, or the
        poses cannot be converted to those of the camera
    """

    def __init__(
        self,
        path: Path | str,
        *,
        image_topic: str = '',
        depth_topic: str = '',
        info_topic: str = '',
        pose_topic: str = '',
        body_from_camera: str = '',
        image_bits: int = 0,
        max_gap_s: float = 0.02,
        keep: Keep = none_kept,
        log: Callable[[str], None] = _silent,
    ) -> None:
        self.path = Path(path)
        self.name = self.path.resolve().stem
        self.max_gap_ns = round(max_gap_s * 1e9)
        self._log, self._said = log, set[str]()
        self._files = BagFiles(self.path, log)
        body = parsed_body_from_camera(body_from_camera)
        with self._files.reader() as reader:
            self.types = reader.typestore
            self.topic_names = {link.topic for link in reader.connections}
            messages = BagMessages(reader, self.path)
            topics = messages.topics()
            unfit = list(messages.unfit.values())
            broken = messages.broken or '; '.join(unfit)
            if broken and not any(topic.kind in IMAGES for topic in topics):
                raise SourceError(broken)
            for line in (*unfit, *messages.left_out()):
                log(line)
            self.topics = TopicChooser(str(self.path), topics).choose(
                image=image_topic, depth=depth_topic, info=info_topic, pose=pose_topic
            )
            for note in self.topics.notes:
                log(note)
            firsts = {topic.name: topic for topic in topics}
            self._frames = firsts[self.topics.image].count
            if self.topics.depth:
                Doubts(log).encoding(self.topics.depth, firsts[self.topics.depth].first)
            first_image = firsts[self.topics.image].first
            self._first_info = firsts[self.topics.info].first if self.topics.info else None
            self._camera = CameraReader(self.topics.image, log, keep)
            self.trajectory: CameraPoses = BagPoses(messages, topics, log).read(
                self.topics.pose, pose_topic, first_image.header.frame_id, body
            )
        self._sixteen_bits = BitRange(image_bits, log)
        self.intrinsics = self._first_camera(first_image)

    @property
    def measured_depth(self) -> bool:
        """Return whether the bag has depth of the images."""
        return self.topics.depth is not None

    def __len__(self) -> int:
        return self._frames

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        for _, frame in self.with_images():
            yield frame

    def with_images(self) -> Iterator[tuple[BagMessage | None, Frame | LostFrame]]:
        """
        Yield the frames, each with the message of its image.

        There is one for each image, in the order of their recording; with None comes what is lost
        beside them.
        """
        join = MessageJoin(self.topics, self.max_gap_ns)
        with self._files.reader() as reader:
            messages = BagMessages(reader, self.path)
            for item in messages.of([self.topics.image, self.topics.depth, self.topics.info]):
                for found in join.add(item):
                    yield found.image, self._frame_or_lost(found)
            for found in join.rest():
                yield found.image, self._frame_or_lost(found)
            for topic in messages.unstamped():
                self._say_once(f'{topic} has no stamps; the times of recording are used')
            if messages.broken:
                yield None, LostFrame(name=self.name, reason=BREAKS_OFF, detail=messages.broken)

    def _first_camera(self, image: Any) -> Intrinsics | None:
        """
        Return the camera of the first image.

        :raises SourceError: if it is for another image size, or cannot be used
        """
        size = image_size(image)
        if self._first_info is None or size is None:
            return None
        try:
            rectifier = self._camera.rectifier(self._first_info, *size)
        except InputError as error:
            raise SourceError(
                f'{self.path}, {self.topics.info}: {error}; info_topic:=none ignores it'
            ) from error
        if rectifier is None:
            self._log(f'{self.topics.info} has K = 0, so the camera is not calibrated')
        return rectifier.intrinsics if rectifier else None

    def _frame_or_lost(self, found: MessageSet) -> Frame | LostFrame:
        return frame_or_lost(stamp_text(found.image.stamp_ns), lambda: self._frame(found))

    def _frame(self, found: MessageSet) -> Frame:
        stamp_ns = found.image.stamp_ns
        self._check_order(found)
        rgb_HW3 = self._decoded(found.image, UNREADABLE_IMAGE, self._rgb)
        depth_m_HW = None
        if found.depth is not None:
            depth_m_HW = self._decoded(found.depth, UNREADABLE_DEPTH, depth_from_message)
            depth_m_HW = on_grid(depth_m_HW, rgb_HW3, self._where(found.depth))
        rectifier = self._rectifier(found, rgb_HW3)
        if rectifier is not None:
            rgb_HW3 = rectifier.rgb(rgb_HW3)
            depth_m_HW = None if depth_m_HW is None else rectifier.depth(depth_m_HW)
        return Frame(
            stamp_ns=stamp_ns,
            rgb_HW3=rgb_HW3,
            intrinsics=None if rectifier is None else rectifier.pinhole,
            lens=None if rectifier is None else rectifier.lens,
            seen_HW=None if rectifier is None else rectifier.seen_HW,
            depth_m_HW=depth_m_HW,
            name=stamp_text(stamp_ns),
            of_video=True,
            map_from_camera=self._pose(stamp_ns, found.image.message.header.frame_id),
            why_no_depth=self._why_no_depth(found),
        )

    def _why_no_depth(self, found: MessageSet) -> str:
        if found.depth is not None or self.topics.depth is None:
            return ''
        if found.depth_gap_ns is None:
            return f'{self.topics.depth} has no message around it'
        return too_far_away('depth', found.depth_gap_ns, self.max_gap_ns)

    def _rgb(self, message: Any) -> np.ndarray:
        rgb_HW3 = rgb_from_message(message, self._sixteen_bits)
        # A view of the bag's bytes is read-only, and torch warns about that.
        return rgb_HW3 if rgb_HW3.flags.writeable else rgb_HW3.copy()

    def _decoded(
        self, item: BagMessage, reason: str, decode: Callable[[Any], np.ndarray]
    ) -> np.ndarray:
        try:
            if item.message is None:
                raise InputError(item.error)
            return decode(item.message)
        except InputError as error:
            raise FrameError(reason, f'{self._where(item)}: {error}') from error

    def _rectifier(self, found: MessageSet, rgb_HW3: np.ndarray) -> Rectifier | None:
        info = self._first_info if found.info is None else found.info.message
        if info is None:
            return None
        height, width = rgb_HW3.shape[:2]
        try:
            return self._camera.rectifier(info, width, height)
        except InputError as error:
            raise FrameError(NO_CAMERA, f'{self._where(found.image)}: {error}') from error

    def _pose(self, stamp_ns: int, camera_frame: str) -> np.ndarray | None:
        if not len(self.trajectory):
            return None
        try:
            pose = self.trajectory.at(stamp_ns, camera_frame, max_gap_ns=self.max_gap_ns)
        except InputError as error:
            self._say_once(str(error))
            return None
        if pose is None:
            self._say_once(
                f'{stamp_text(stamp_ns)} s has no pose: '
                f'{self.trajectory.why_none(stamp_ns, camera_frame)}',
                topic='pose',
            )
        return pose

    def _check_order(self, found: MessageSet) -> None:
        late_ns, stamp_ns = found.late_by_ns, found.image.stamp_ns
        if stamp_ns < 0:
            raise FrameError(
                STAMP_OUT_OF_ORDER, f'{self._where(found.image)}: the stamp is negative'
            )
        if late_ns is None:
            return
        if late_ns == 0:
            raise FrameError(
                REPEATED_STAMP,
                f'{self._where(found.image)}: it repeats the stamp of an image before it',
            )
        way = 'behind an image before it' if late_ns > 0 else 'ahead of the images after it'
        raise FrameError(
            STAMP_OUT_OF_ORDER,
            f'{self._where(found.image)}: it is {abs(late_ns) * 1e-9:.3f} s {way}',
        )

    def _where(self, item: BagMessage) -> str:
        return f'{self.path}, {item.topic} at {stamp_text(item.stamp_ns)} s'

    def _say_once(self, line: str, topic: str = '') -> None:
        if (topic or line) not in self._said:
            self._said.add(topic or line)
            self._log(line)
