# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses of the camera at the stamps of frames, which can wait for them."""

from collections.abc import Callable
from functools import partial
import threading
from typing import Any, Protocol

from depth_refiner_ros.core.errors import DepthRefinerError
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.sources.ros.camera_poses import CameraPoses
from depth_refiner_ros.sources.ros.transforms import TransformTree
import numpy as np

KEPT = 20_000
"""Poses remembered, and transforms of each frame: 200 s at 100 Hz."""


class Poses(Protocol):
    """Looks up poses of the optical frame."""

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """
        Return the pose at a stamp, waiting for it if it may still arrive.

        :param frame_id: the camera's optical frame
        :param max_gap_ns: largest distance in time to the nearer pose
        :return: ``map_from_camera`` 4 x 4, None if there is none
        """

    def why_none(self, stamp_ns: int, frame_id: str) -> str:
        """Return one line with the reason why a stamp has no pose, and the fix."""


class LivePoses:
    """
    Poses and transforms of live topics; callbacks add them, the worker waits for them.

    :param map_frame: fixed frame
    :param body_from_camera: see :class:`CameraPoses`
    :param from_tree: take the whole pose from TF
    :param on_error: called with one line for each message that cannot be used
    """

    def __init__(
        self,
        map_frame: str,
        body_from_camera: np.ndarray | None,
        on_error: Callable[[str], None],
        *,
        from_tree: bool = False,
    ) -> None:
        self._on_error = on_error
        self._changed = threading.Condition()
        self._tree = TransformTree(keep=KEPT, live=True)
        self._poses = CameraPoses(
            map_frame, body_from_camera, self._tree, from_tree=from_tree, keep=KEPT, live=True
        )

    def add_pose(self, message: Any) -> None:
        """Add a PoseStamped or Odometry."""
        self._add(partial(self._poses.add, message))

    def add_transforms(self, message: Any, *, static: bool) -> None:
        """Add a TFMessage of ``/tf`` or ``/tf_static``."""
        for transform in message.transforms:
            self._add(partial(self._tree.add, transform, static=static))

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """
        Return the pose at a stamp, see :class:`Poses`.

        :raises InputError: if the poses are those of another frame, with no transform from it to
            the camera
        """
        with self._changed:
            self._changed.wait_for(lambda: self._poses.settled(stamp_ns, frame_id), timeout_s)
            return self._poses.at(stamp_ns, frame_id, max_gap_ns=max_gap_ns)

    def why_none(self, stamp_ns: int, frame_id: str) -> str:
        """Return one line, see :class:`Poses`."""
        with self._changed:
            return self._poses.why_none(stamp_ns, frame_id)

    def _add(self, add: Callable[[], None]) -> None:
        try:
            with self._changed:
                add()
                self._changed.notify_all()
        except DepthRefinerError as error:
            self._on_error(str(error))


class FilePoses:
    """
    Poses of a TUM file.

    :param trajectory: content of the file
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory

    def wait_at(
        self, stamp_ns: int, frame_id: str, *, max_gap_ns: int, timeout_s: float
    ) -> np.ndarray | None:
        """Return the pose at a stamp, see :class:`Poses`; a file needs no waiting."""
        return self._trajectory.at(stamp_ns, max_gap_ns=max_gap_ns)

    def why_none(self, stamp_ns: int, frame_id: str) -> str:
        """Return one line, see :class:`Poses`."""
        return 'pose_file has no pose near the stamp of the image; see pose_tolerance_ms'
