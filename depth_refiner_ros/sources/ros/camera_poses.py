# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Poses of the camera: one set of rules for bags, live topics and TF.

Poses are messages about a moving frame (the camera's optical frame, or a body that carries it)
or as a chain of transforms. They are interpolated at the stamp of the image, see ``bracket``.
"""

from typing import Any

from depth_refiner_ros.core.errors import InputError, MappingError, SettingsError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.mapping.pose_track import PoseTrack
from depth_refiner_ros.mapping.poses import pose_from_quaternion
from depth_refiner_ros.sources.ros.pose import numbers_of, stamp_ns_of
from depth_refiner_ros.sources.ros.transforms import JUMP_NS, plain, TransformTree
import numpy as np


class CameraPoses:
    """
    Poses of the optical frame, from poses of a frame that carries it and from transforms.

    :param map_frame: frame in which the poses must be; '' takes that of the first pose
    :param body_from_camera: pose of the optical frame in the frame that the messages describe;
        None takes it from the transforms where the two frames differ
    :param tree: transforms, filled by the caller
    :param from_tree: take the whole pose from the transforms; there are no pose messages
    :param keep: poses remembered; None remembers all
    :param live: a jump back in time, as of a recording that starts over, forgets all poses
    """

    def __init__(
        self,
        map_frame: str,
        body_from_camera: np.ndarray | None,
        tree: TransformTree,
        *,
        from_tree: bool = False,
        keep: int | None = None,
        live: bool = False,
    ) -> None:
        self.map_frame = plain(map_frame)
        self._found = not map_frame
        self._body_from_camera, self._tree = body_from_camera, tree
        self._from_tree, self._live = from_tree, live
        self._track = PoseTrack(keep)
        self._body_frame = ''
        self.unnamed = False
        """Whether odometry came without a child frame: it is taken for that of the camera."""

    def __len__(self) -> int:
        return len(self._tree.frames) if self._from_tree else len(self._track)

    def add(self, message: Any, stamp_ns: int | None = None) -> None:
        """
        Add a pose message.

        :param stamp_ns: its time if that is not the stamp of its header
        :raises InputError: if it is in another frame than the map's, or, in a recording, of
            another frame than the poses before
        :raises MappingError: if the pose is not finite or the quaternion is not of length 1
        """
        frame = plain(message.header.frame_id)
        self.map_frame = self.map_frame or frame
        if frame and frame != self.map_frame:
            if self._found:
                raise InputError(
                    f'poses are in frame {shown(frame)}, those before in {shown(self.map_frame)}; '
                    'choose poses of one frame with pose_topic'
                )
            raise InputError(
                f'poses are in frame {shown(frame)} but map_frame is {shown(self.map_frame)}; '
                f'set map_frame:={frame}'
            )
        body = plain(getattr(message, 'child_frame_id', ''))
        if not self._live and len(self._track) and body != self._body_frame:
            raise InputError(
                f'poses are of frame {shown(body)}, those before of {shown(self._body_frame)}; '
                'choose poses of one frame with pose_topic'
            )
        stamp_ns = stamp_ns_of(message.header) if stamp_ns is None else stamp_ns
        latest_ns = self._track.latest_ns
        if self._live and latest_ns is not None and stamp_ns < latest_ns - JUMP_NS:
            self._track.clear()
        self._track.add(stamp_ns, numbers_of(message))
        self._body_frame = body
        self.unnamed = not body and hasattr(message, 'child_frame_id')

    def at(self, stamp_ns: int, camera_frame: str, *, max_gap_ns: int) -> np.ndarray | None:
        """
        Return the pose of the optical frame at a stamp.

        :return: ``map_from_camera`` 4 x 4, None if no pose is near enough in time
        :raises InputError: if the poses are those of another frame, with no transform from it
            to the camera
        """
        if self._from_tree:
            return self._tree.at(self.map_frame, camera_frame, stamp_ns, max_gap_ns=max_gap_ns)
        map_from_body = self._track.at(stamp_ns, max_gap_ns=max_gap_ns)
        if map_from_body is None:
            return None
        self.check_way_to(camera_frame)
        if self._body_from_camera is not None:
            return map_from_body @ self._body_from_camera
        if self.is_of(camera_frame):
            return map_from_body
        body_from_camera = self._tree.at(
            self._body_frame, camera_frame, stamp_ns, max_gap_ns=max_gap_ns
        )
        return None if body_from_camera is None else map_from_body @ body_from_camera

    def settled(self, stamp_ns: int, camera_frame: str) -> bool:
        """Whether later messages cannot change the answer for a stamp."""
        if self._from_tree:
            return self._tree.settled(self.map_frame, camera_frame, stamp_ns)
        latest_ns = self._track.latest_ns
        if latest_ns is None or latest_ns < stamp_ns:
            return False
        return (
            self._body_from_camera is not None
            or self.is_of(camera_frame)
            or self._tree.settled(self._body_frame, camera_frame, stamp_ns)
        )

    def why_none(self, stamp_ns: int, camera_frame: str) -> str:
        """Return one line with the reason why a stamp has no pose, and the fix."""
        if self._from_tree and not self._tree.connects(self.map_frame, camera_frame):
            known = ', '.join(self._tree.frames) or 'none'
            return (
                f'no transform leads from {shown(camera_frame)} to {shown(self.map_frame)}; '
                'frames of /tf '
                f'and /tf_static: {known}; publish the missing transform, or set map_frame of '
                'a node'
            )
        gap_ns = self._track.gap_ns(stamp_ns)
        if self._from_tree:
            gap_ns = self._tree.gap_ns(self.map_frame, camera_frame, stamp_ns)
        elif gap_ns is not None and self._body_frame:
            gap_ns = max(gap_ns, self._tree.gap_ns(self._body_frame, camera_frame, stamp_ns))
        if gap_ns is None:
            return 'there is no pose'
        return (
            f'the nearest pose is {gap_ns * 1e-6:.1f} ms away from the image; compare the clocks, '
            'or set a larger pose_tolerance_ms'
        )

    def check_way_to(self, camera_frame: str) -> None:
        """
        Make sure that the poses can be converted to those of the camera.

        :raises InputError: if they are those of another frame, with no transform to the camera
        """
        known = (
            self._body_from_camera is not None
            or self.is_of(camera_frame)
            or self._tree.connects(self._body_frame, camera_frame)
        )
        if not known:
            raise InputError(
                f'the poses describe frame {shown(self._body_frame)} but the images are in '
                f'{shown(camera_frame)}, and no transform leads from one to the other; set '
                'body_from_camera to x y z qx qy qz qw of '
                f'{shown(camera_frame)} in {shown(self._body_frame)}, or provide /tf_static'
            )

    def is_of(self, camera_frame: str) -> bool:
        """Whether the poses are those of the camera itself, as without a child frame."""
        return self._body_frame in ('', plain(camera_frame))


def parsed_body_from_camera(text: str) -> np.ndarray | None:
    """
    Read the option ``body_from_camera``.

    :param text: ``x y z qx qy qz qw``, with spaces or commas
    :return: 4 x 4 pose, None if the text is empty
    :raises SettingsError: if it is not seven numbers with a unit quaternion
    """
    if not text.strip():
        return None
    try:
        numbers = [float(word) for word in text.replace(',', ' ').split()]
    except ValueError as error:
        raise SettingsError(f'body_from_camera = {shown(text)}: {error}') from error
    if len(numbers) != 7:
        raise SettingsError(f'body_from_camera = {shown(text)} must be x y z qx qy qz qw')
    try:
        return pose_from_quaternion(numbers[:3], numbers[3:])
    except MappingError as error:
        raise SettingsError(f'body_from_camera = {shown(text)}: {error}') from error
