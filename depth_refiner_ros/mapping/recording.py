# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Record posed RGB-D frames in TUM layout, which SLAM programs and our own reader can read.

``rgb/``, ``depth/`` (PNG uint16), ``rgb.txt``, ``depth.txt``, ``calibration.yaml`` and, if poses
are known, ``groundtruth.txt``. The profile ``monogs`` adds ``monogs.yaml`` and, if no pose is
known, ``pose.txt`` with identities, which MonoGS itself assumes for a live camera.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import cv2
from depth_refiner_ros.core.atomic import make_folder, write_atomic
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.depth_units import SATURATED
from depth_refiner_ros.core.errors import MappingError, OutputError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.core.places import exists
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.mapping.index_files import IndexFiles, picture
from depth_refiner_ros.mapping.poses import checked_pose
import numpy as np
import yaml

Profile = Literal['tum', 'monogs']
MILLIMETRES = 1000.0
"""PNG units per metre; the value that nearly every program assumes."""
SYNC_EVERY = 30
"""Frames between two syncs: a power cut may lose these, a killed process loses none."""


class SequenceWriter:
    """
    Write a sequence; use it in a ``with`` statement or call :meth:`close`.

    A frame that could not be written is not in the index, so the folder stays readable and
    recording can continue when there is space again.

    :param folder: new or empty folder; no other process can record there meanwhile
    :param depth_scale: PNG units per metre; depth from 65535 units on is written as unknown
    :param profile: ``monogs`` also writes the configuration for MonoGS
    :raises MappingError: if the folder holds a recording or an option is out of range
    :raises OutputError: if it cannot be written, or another process records there
    """

    def __init__(
        self,
        folder: Path,
        intrinsics: Intrinsics,
        *,
        depth_scale: float = 5000.0,
        profile: Profile = 'tum',
    ) -> None:
        if profile not in ('tum', 'monogs'):
            raise MappingError(f'recording profile {shown(profile)} must be tum or monogs')
        if not 1.0 <= depth_scale <= 65535.0:
            raise MappingError(
                f'depth_scale = {depth_scale:g} must lie between 1 and 65535 PNG units per metre'
            )
        self.folder, self.intrinsics, self.depth_scale = Path(folder), intrinsics, depth_scale
        self.profile = profile
        if exists(self.folder / 'rgb.txt'):
            raise MappingError(f'{folder} already holds a recording; choose a new folder')
        self._stamps_ns: list[int] = []
        self._closed = False
        with ExitStack() as opened:
            opened.enter_context(locked_folder(self.folder))
            for part in ('rgb', 'depth'):
                make_folder(self.folder / part)
            _write_yaml(self.folder / 'calibration.yaml', self._calibration())
            if profile == 'monogs':
                _write_yaml(self.folder / 'monogs.yaml', self._monogs())
            self._index = IndexFiles(self.folder, identities=profile == 'monogs')
            opened.callback(self._index.close)
            self._opened = opened.pop_all()
        self._index.sync()

    def __enter__(self) -> 'SequenceWriter':
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._stamps_ns)

    def add(
        self,
        stamp_ns: int,
        rgb_HW3: np.ndarray,
        depth_m_HW: np.ndarray,
        map_from_camera: np.ndarray | None = None,
    ) -> None:
        """
        Write one frame.

        :param rgb_HW3: uint8, rectified
        :param depth_m_HW: float32 metres, NaN or infinite where unknown
        :param map_from_camera: 4 x 4 pose, None if unknown
        :raises MappingError: if sizes do not fit or time jumps back
        :raises OutputError: if the disk is full
        """
        self.check(stamp_ns, rgb_HW3, depth_m_HW)
        pose = None if map_from_camera is None else checked_pose(map_from_camera)
        pictures = {
            self.folder / picture('rgb', stamp_ns): rgb_HW3[..., ::-1],
            self.folder / picture('depth', stamp_ns): encoded_depth(depth_m_HW, self.depth_scale),
        }
        try:
            for path, image in pictures.items():
                write_atomic(path, [_png(image)], durable=False)
            self._index.add(stamp_ns, pose)
        except OutputError:
            for path in pictures:
                path.unlink(missing_ok=True)
            raise
        self._stamps_ns.append(stamp_ns)
        if len(self) % SYNC_EVERY == 0:
            self._index.sync()

    def close(self) -> None:
        """
        Wait for the disk and release the folder; it may be called twice.

        :raises OutputError: if the disk is full
        """
        if self._closed:
            return
        self._closed = True
        with self._opened:
            self._index.sync()

    @property
    def last_ns(self) -> int | None:
        """Return the stamp of the last frame, None before the first."""
        return self._stamps_ns[-1] if self._stamps_ns else None

    def check(self, stamp_ns: int, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> None:
        """
        Raise unless a frame can be the next one.

        :raises MappingError: if sizes do not fit or time jumps back
        """
        size = (self.intrinsics.height, self.intrinsics.width)
        if rgb_HW3.shape != (*size, 3) or rgb_HW3.dtype != np.uint8 or depth_m_HW.shape != size:
            raise MappingError(
                f'image {rgb_HW3.shape} {rgb_HW3.dtype} and depth '
                f'{depth_m_HW.shape} do not fit the recording of '
                f'{size[1]}x{size[0]} uint8 color'
            )
        if self.last_ns is not None and stamp_ns <= self.last_ns:
            raise not_after(stamp_ns, self.last_ns)

    def _calibration(self) -> dict[str, object]:
        camera = self.intrinsics
        return {
            'width': camera.width,
            'height': camera.height,
            'fx': camera.fx,
            'fy': camera.fy,
            'cx': camera.cx,
            'cy': camera.cy,
            'distortion': [0.0] * 5,
            'depth_scale': self.depth_scale,
        }

    def _monogs(self) -> dict[str, object]:
        """Return the configuration that MonoGS merges into its own for TUM RGB-D."""
        calibration = self._calibration()
        del calibration['distortion']
        calibration |= dict.fromkeys(('k1', 'k2', 'p1', 'p2', 'k3'), 0.0) | {'distorted': False}
        return {
            'inherit_from': 'configs/rgbd/tum/base_config.yaml',
            'Dataset': {
                'type': 'tum',
                'sensor_type': 'depth',
                'dataset_path': str(self.folder.resolve()),
                'Calibration': calibration,
            },
        }


def encoded_depth(depth_m_HW: np.ndarray, depth_scale: float) -> np.ndarray:
    """
    Return depth as uint16; 0 where it is unknown, not positive or too far for 16 bits.

    The largest value is left out: to readers it is no measurement.

    :param depth_scale: units per metre
    """
    units_HW = np.rint(depth_m_HW.astype(np.float64) * depth_scale)
    fits_HW = (units_HW > 0) & (units_HW < SATURATED)
    return np.where(fits_HW, units_HW, 0).astype(np.uint16)


def not_after(stamp_ns: int, last_ns: int) -> MappingError:
    """Return the error of a frame that does not come after the last one."""
    return MappingError(
        f'stamp {stamp_text(stamp_ns)} s does not come after {stamp_text(last_ns)} s; record in '
        'order of time'
    )


def _png(image: np.ndarray) -> bytes:
    _, data = cv2.imencode('.png', image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()


def _write_yaml(path: Path, values: dict[str, object]) -> None:
    write_atomic(path, [yaml.safe_dump(values, sort_keys=False).encode()])
