# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The record that every source yields, and the protocols of a source."""

from collections.abc import Iterator, Sized
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.lens import Camera, Lens
from depth_refiner_ros.sources.lost_frames import LostFrame
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Frame:
    """
    One image with what is known about it. Color, depth and intrinsics share one pixel grid.

    :param stamp_ns: capture time
    :param rgb_HW3: uint8 color image, rectified unless there is a lens
    :param intrinsics: pinhole camera of the image, None if unknown or if there is a lens
    :param lens: camera of an image that is kept as it is
    :param seen_HW: bool, which pixels the camera saw; None if all. A rectified image is black
        elsewhere
    :param depth_m_HW: float32 depth along Z registered to the image, NaN where unknown; of a lens
        the distance along its rays
    :param map_from_camera: 4 x 4 float64 pose of the optical frame (x right, y down, z forward)
    :param why_no_depth: one line for messages about a frame without depth, '' if there is no
        more to say
    :param why_no_pose: the same where the pose is missing
    :param name: file or stamp, for messages and file names
    :param of_video: the camera took it after the frame before, so that something of that one may
        be carried over; False for photographs
    """

    stamp_ns: int
    rgb_HW3: np.ndarray
    intrinsics: Intrinsics | None = None
    lens: Lens | None = None
    seen_HW: np.ndarray | None = None
    depth_m_HW: np.ndarray | None = None
    map_from_camera: np.ndarray | None = None
    why_no_depth: str = ''
    why_no_pose: str = ''
    name: str = ''
    of_video: bool = False

    @property
    def camera(self) -> Camera | None:
        """Return the camera of the image, None if it is unknown."""
        return self.lens or self.intrinsics


def too_far_away(what: str, gap_ns: int, max_gap_ns: int) -> str:
    """
    Return one line for a frame without depth or pose, with what to do.

    :param what: ``depth`` or ``pose``
    :param gap_ns: distance in time of the nearest one to the image
    :param max_gap_ns: largest distance that is allowed
    """
    return (
        f'the nearest {what} is {gap_ns * 1e-6:.1f} ms away from the image; compare the clocks, '
        f'or set a larger pose_tolerance_ms than {max_gap_ns * 1e-6:g}'
    )


@runtime_checkable
class FrameSource(Protocol):
    """A finite sequence of frames that can be read more than once."""

    @property
    def name(self) -> str:
        """Return a short name for reports."""

    def __len__(self) -> int:
        """Return the number of frames, lost ones included."""

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        """Yield the frames in order of time; a LostFrame in place of one that cannot be used."""


@runtime_checkable
class HasMesh(Protocol):
    """A source that knows the true surface of its scene."""

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Return ``vertices_m_N3`` in the frame of the map and ``triangles_M3``."""


@runtime_checkable
class HasMeasuredDepth(Protocol):
    """A source that may hold the depth of a sensor beside its images."""

    @property
    def measured_depth(self) -> bool:
        """Return whether it does."""


@runtime_checkable
class HasTrajectory(Protocol):
    """A source with recorded poses; a frame without one is not put into the map."""

    @property
    def trajectory(self) -> Sized:
        """Return the poses of the camera, empty if none were recorded."""
