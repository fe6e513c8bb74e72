"""The one record that every source yields, and the protocol of a source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from depth_refiner_ros.core.camera import Intrinsics
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Frame:
    """
    One image with what is known about it.

    :param stamp_ns: capture time
    :param rgb_HW3: uint8 color image, rectified
    :param intrinsics: camera model of the image, None where unknown
    :param depth_m_HW: float32 depth along Z registered to the image, NaN where unknown
    :param map_from_camera: 4 x 4 float64 pose of the optical frame (x right, y down, z forward)
    :param name: where it came from, for messages and file names
    """

    stamp_ns: int
    rgb_HW3: np.ndarray
    intrinsics: Intrinsics | None = None
    depth_m_HW: np.ndarray | None = None
    map_from_camera: np.ndarray | None = None
    name: str = ''


@runtime_checkable
class FrameSource(Protocol):
    """A finite, re-iterable sequence of frames."""

    @property
    def name(self) -> str:
        """Return a short name for reports."""

    def __len__(self) -> int:
        """Return the number of frames."""

    def __iter__(self) -> Iterator[Frame]:
        """Read the frames in order of time."""
