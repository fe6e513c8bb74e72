# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recordings in TUM RGB-D layout."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, MappingError, SourceError
from depth_refiner_ros.mapping.stamped_lines import (
    first_fault,
    LineFault,
    read_stamped_lines,
    StampedLine,
    usable,
)
from depth_refiner_ros.mapping.trajectory import nearest_index, read_tum, Trajectory
from depth_refiner_ros.sources import values
from depth_refiner_ros.sources.calibration import read_calibration
from depth_refiner_ros.sources.frame import Frame, too_far_away
from depth_refiner_ros.sources.lost_frames import frame_or_lost, FrameError, LostFrame, WRONG_SIZE
from depth_refiner_ros.sources.names import listed_file
from depth_refiner_ros.sources.pixel_grid import on_grid
from depth_refiner_ros.sources.read import read_depth, read_rgb
from depth_refiner_ros.sources.rectify import Keep, none_kept, Rectifier
from depth_refiner_ros.sources.sixteen_bits import BitRange
import numpy as np

TUM_DEPTH_SCALE = 5000.0
MAX_GAP_S = 0.02
TUM_FILES = ('rgb.txt', 'depth.txt', 'groundtruth.txt', 'calibration.yaml')
Line = StampedLine[str]
Log = Callable[[str], None]


class TumSource:
    """
    The color images of a recording with the depth and pose that belong to each.

    ``rgb.txt`` must be there. ``depth.txt``, ``groundtruth.txt`` and ``calibration.yaml`` may be
    missing. Depth is the nearest in time, the pose is interpolated between its neighbours; a frame
    whose depth or pose is farther away than ``max_gap_s`` has None in its place.
    Distorted images are rectified together with their depth. Lines may be in any
    order; one that cannot be read, or repeats a stamp, costs only its frame, depth or pose.

    :param folder: contains the index files
    :param max_gap_s: largest distance in time of depth and pose to the image
    :param depth_scale: PNG units per metre; by default that of the calibration, else 5000
    :param intrinsics: camera if there is no ``calibration.yaml``
    :param image_bits: bits that 16-bit images use; 0 finds them
    :param keep: for which lenses images are kept as they are, not rectified
    :param log: called with one line about stamps that are not seconds, about lines of depth and
        poses that are left out, and for the bits that were found
    :raises SourceError: if an index or the calibration cannot be read, naming file and line
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        max_gap_s: float = MAX_GAP_S,
        depth_scale: float | None = None,
        intrinsics: Intrinsics | None = None,
        image_bits: int = 0,
        keep: Keep = none_kept,
        log: Log = lambda line: None,
    ) -> None:
        self.folder = Path(folder)
        self.name = self.folder.resolve().name
        self.max_gap_ns = round(max_gap_s * 1e9)
        self._bits = BitRange(image_bits, log)
        if depth_scale is not None:
            values.number('depth_scale', depth_scale, *values.DEPTH_SCALES)
        calibration = read_calibration(self.folder / 'calibration.yaml', log, keep)
        given_scale = depth_scale or calibration.depth_scale
        self.depth_scale = given_scale or TUM_DEPTH_SCALE
        given = Rectifier(intrinsics) if intrinsics else None
        self._rectifier = calibration.rectifier or given
        self.images = read_index(self.folder / 'rgb.txt', log)
        self.depths = _depth_index(self.folder / 'depth.txt', log)
        self.trajectory = _optional_trajectory(self.folder / 'groundtruth.txt', log)
        if self.depths and not given_scale:
            log(
                f'{self.folder}: calibration.yaml gives no depth_scale, so {TUM_DEPTH_SCALE:g} '
                'units per metre are assumed, as in TUM RGB-D'
            )
        self._depth_stamps_ns = np.array([depth.stamp_ns for depth in self.depths], np.int64)

    @property
    def intrinsics(self) -> Intrinsics | None:
        """Return the camera of the rectified images."""
        return self._rectifier.intrinsics if self._rectifier else None

    @property
    def measured_depth(self) -> bool:
        """Return whether the recording has depth."""
        return bool(self.depths)

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Frame | LostFrame]:
        for line in self.images:
            if isinstance(line, LineFault):
                yield LostFrame(name=line.where, reason=line.reason, detail=line.detail)
            else:
                yield frame_or_lost(self._file(line).stem, partial(self._frame, line))

    def _frame(self, line: Line) -> Frame:
        upright = not self.depths and self._rectifier is None
        rgb_HW3 = self._read(line, partial(read_rgb, bits=self._bits, upright=upright))
        depth_line, depth_m_HW = self._depth_line(line), None
        if depth_line is not None:
            depth_m_HW = self._depth(depth_line, rgb_HW3)
        if self._rectifier:
            camera = self._rectifier.camera
            if rgb_HW3.shape[:2] != (camera.height, camera.width):
                raise FrameError(
                    WRONG_SIZE,
                    f'{line.where}: {line.value} is {rgb_HW3.shape[1]}x{rgb_HW3.shape[0]}, the '
                    f'calibration {camera.width}x{camera.height}; correct width and height there, '
                    'or calibrate images of this size',
                )
            rgb_HW3 = self._rectifier.rgb(rgb_HW3)
            depth_m_HW = None if depth_m_HW is None else self._rectifier.depth(depth_m_HW)
        pose = self.trajectory.at(line.stamp_ns, max_gap_ns=self.max_gap_ns)
        return Frame(
            stamp_ns=line.stamp_ns,
            of_video=True,
            rgb_HW3=rgb_HW3,
            intrinsics=self._rectifier.pinhole if self._rectifier else None,
            lens=self._rectifier.lens if self._rectifier else None,
            seen_HW=self._rectifier.seen_HW if self._rectifier else None,
            depth_m_HW=depth_m_HW,
            name=self._file(line).stem,
            map_from_camera=pose,
            why_no_depth='' if depth_line else self._why('depth', self._depth_stamps_ns, line),
            why_no_pose=''
            if pose is not None
            else self._why('pose', self.trajectory.stamps_ns_N, line),
        )

    def _depth_line(self, image: Line) -> Line | None:
        if not self.depths:
            return None
        line = self.depths[nearest_index(self._depth_stamps_ns, image.stamp_ns)]
        return line if abs(line.stamp_ns - image.stamp_ns) <= self.max_gap_ns else None

    def _why(self, what: str, stamps_ns_N: np.ndarray, image: Line) -> str:
        """Return why an image has no depth or pose, '' if the recording has none at all."""
        if not len(stamps_ns_N):
            return ''
        nearest_ns = int(stamps_ns_N[nearest_index(stamps_ns_N, image.stamp_ns)])
        return too_far_away(what, abs(nearest_ns - image.stamp_ns), self.max_gap_ns)

    def _depth(self, line: Line, rgb_HW3: np.ndarray) -> np.ndarray:
        depth_m_HW = self._read(line, partial(read_depth, depth_scale=self.depth_scale))
        return on_grid(depth_m_HW, rgb_HW3, f'{line.where}: {line.value}')

    def _file(self, line: Line) -> Path:
        return listed_file(self.folder, line.value)

    def _read(self, line: Line, reader: Callable[[Path], np.ndarray]) -> np.ndarray:
        try:
            return reader(self._file(line))
        except FrameError as error:
            raise FrameError(error.reason, f'{line.where}: {error}') from error


def read_index(path: Path, log: Log = lambda line: None) -> list[Line | LineFault]:
    """
    Read the lines ``stamp file``; '#' starts a comment line.

    :param log: see :func:`read_stamped_lines`
    :raises SourceError: if the file is missing or none of its lines can be read
    """
    try:
        lines = read_stamped_lines(path, _file_name, log)
    except MappingError as error:
        raise SourceError(str(error)) from error
    if not usable(lines):
        fault = first_fault(lines)
        raise SourceError(fault.detail if fault else f'the index {path} lists no file')
    return lines


def _file_name(word: str) -> str:
    if not word or '\0' in word:
        raise InputError('a line must be a stamp and a file')
    return word


def _depth_index(path: Path, log: Log) -> list[Line]:
    if not path.exists():
        return []
    lines = read_index(path, log)
    depths = usable(lines)
    if fault := first_fault(lines):
        log(f'{len(lines) - len(depths)} of {len(lines)} lines left out: {fault.detail}')
    return depths


def _optional_trajectory(path: Path, log: Log) -> Trajectory:
    if not path.exists():
        return Trajectory(
            stamps_ns_N=np.zeros(0, np.int64), map_from_camera_N44=np.zeros((0, 4, 4))
        )
    try:
        return read_tum(path, log)
    except MappingError as error:
        raise SourceError(str(error)) from error
