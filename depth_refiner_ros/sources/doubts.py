# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Say once what looks wrong with a camera or with depth although it can be used."""

from collections.abc import Callable
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.ros.image import encoding_of
import numpy as np

SAME_SHARE, OFF_CENTER = 0.1, 0.3
"""
A calibration of other images has its center at one share of width and height, which is not half.

Centers of real cameras lie within a few percent of the middle.
"""
FAST_M_PER_S = 50.0
"""A camera that moves faster has poses in another unit, or wrong stamps."""
NEAR_M, FAR_M = 0.02, 200.0
"""Median depths outside of these limits look like another unit."""
STEP = 8
"""Every n-th row and column is enough for a median."""


class Doubts:
    """
    Looks at frames and reports each kind of doubt once.

    :param log: called with one line that names the value and the fix
    """

    def __init__(self, log: Callable[[str], object]) -> None:
        self._log, self._said = log, set[str]()
        self._last: tuple[int, np.ndarray] | None = None

    def frame(self, frame: Frame) -> None:
        """Report what looks wrong with a frame of a source."""
        self.camera(frame.name, frame.intrinsics)
        self.depth(frame.name, frame.depth_m_HW)
        self.pose(frame.name, frame.stamp_ns, frame.map_from_camera)

    def camera(self, name: str, camera: Intrinsics | None) -> None:
        """
        Report a principal point outside of the image, or where one of another image size lies.

        :param name: of the frame or topic
        """
        if camera is None or 'camera' in self._said:
            return
        across, down = camera.cx / camera.width, camera.cy / camera.height
        if abs(across - down) < SAME_SHARE and abs(across + down - 1.0) > OFF_CENTER:
            looks = f', as if the calibration were of images {across + down:.2g} times as large'
        elif 0.0 <= across <= 1.0 and 0.0 <= down <= 1.0:
            return
        else:
            looks = ', outside of it'
        self._say(
            'camera',
            f'{name}: cx, cy = {camera.cx:g}, {camera.cy:g} px in an image of '
            f'{camera.width}x{camera.height}{looks}; if the image is no crop, correct the '
            'calibration, as depth, cloud and mesh would be wrong',
        )

    def depth(self, name: str, depth_m_HW: np.ndarray | None) -> None:
        """
        Report depth whose unit looks wrong.

        :param name: of the frame or topic
        :param depth_m_HW: NaN where unknown
        """
        if depth_m_HW is None or 'depth' in self._said:
            return
        depth_m_P = depth_m_HW[::STEP, ::STEP]
        depth_m_P = depth_m_P[np.isfinite(depth_m_P) & (depth_m_P > 0)]
        if not depth_m_P.size or NEAR_M <= (median_m := float(np.median(depth_m_P))) <= FAR_M:
            return
        like, fix = (
            ('as if millimetres were read as metres', '1000 for millimetres')
            if median_m > FAR_M
            else ('as if its unit were larger', '1 for metres')
        )
        self._say(
            'depth',
            f'{name}: its median depth is {median_m:.4g} m, {like}; correct depth_scale, the '
            f'units per metre in calibration.yaml or the frame list ({fix}), or publish metres '
            'as 32FC1 and millimetres as 16UC1',
        )

    def pose(self, name: str, stamp_ns: int, map_from_camera: np.ndarray | None) -> None:
        """
        Report a camera that moves faster than one is likely to.

        :param name: of the frame
        """
        if map_from_camera is None or 'pose' in self._said:
            return
        position_m = map_from_camera[:3, 3]
        last, self._last = self._last, (stamp_ns, position_m)
        if last is None or stamp_ns <= last[0]:
            return
        way_m, time_s = float(np.linalg.norm(position_m - last[1])), (stamp_ns - last[0]) / 1e9
        if way_m > FAST_M_PER_S * time_s:
            self._say(
                'pose',
                f'{name}: the camera has moved {way_m:.3g} m in {1e3 * time_s:.4g} ms since the '
                'frame before, faster than 180 km/h; if it did not, give poses in metres and '
                'stamps of the same clock',
            )

    def encoding(self, topic: str, message: Any) -> None:
        """Report depth in an encoding for gray images, which states no unit."""
        if encoding_of(message) == 'mono16':
            self._say(
                topic,
                f'{topic} has the encoding mono16, which states no unit: it is read as depth in '
                'millimetres, as 16UC1',
            )

    def _say(self, kind: str, line: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._log(line)
