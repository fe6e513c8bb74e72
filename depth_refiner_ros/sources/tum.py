"""Recordings in TUM RGB-D layout."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import InputError, MappingError, SourceError
from depth_refiner_ros.mapping.trajectory import (
    nearest_index,
    parsed_stamp_ns,
    read_tum,
    stamp_text,
    Trajectory,
)
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.read import read_depth, read_rgb
from depth_refiner_ros.sources.rectify import Rectifier
import numpy as np
import yaml

TUM_DEPTH_SCALE = 5000.0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    One line of an index file.

    :param where: index file and line, for messages
    """

    stamp_ns: int
    file: Path
    where: str


class TumSource:
    """
    The color images of a recording with the depth and pose that belong to each.

    ``rgb.txt`` must be there. ``depth.txt``, ``groundtruth.txt`` and ``calibration.yaml`` may be
    missing. Depth is the nearest in time, the pose is interpolated between its neighbours; a frame
    whose depth or pose is farther away than ``max_gap_s`` still comes, with None in their place.
    Images of a lens with distortion are rectified, and their depth with them.

    :param folder: with the index files
    :param max_gap_s: largest distance in time of depth and pose to the image
    :param depth_scale: PNG units per metre; by default that of the calibration, else 5000
    :param intrinsics: camera where there is no ``calibration.yaml``
    :raises SourceError: naming file and line of what is broken
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        max_gap_s: float = 0.02,
        depth_scale: float | None = None,
        intrinsics: Intrinsics | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.name = self.folder.resolve().name
        self.max_gap_ns = round(max_gap_s * 1e9)
        calibration = _read_calibration(self.folder / 'calibration.yaml')
        self.depth_scale = depth_scale or calibration.get('depth_scale', TUM_DEPTH_SCALE)
        self._rectifier = _rectifier(self.folder / 'calibration.yaml', calibration, intrinsics)
        self.images = read_index(self.folder / 'rgb.txt')
        self.depths = _optional_index(self.folder / 'depth.txt')
        self.trajectory = _optional_trajectory(self.folder / 'groundtruth.txt')
        self._depth_stamps_ns = np.array([entry.stamp_ns for entry in self.depths], np.int64)

    @property
    def intrinsics(self) -> Intrinsics | None:
        """Return the camera of the rectified images."""
        return self._rectifier.intrinsics if self._rectifier else None

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Frame]:
        for entry in self.images:
            yield self._frame(entry)

    def _frame(self, entry: Entry) -> Frame:
        rgb_HW3 = _read(entry, read_rgb)
        depth_m_HW = self._depth(entry, rgb_HW3.shape[:2])
        if self._rectifier:
            camera = self._rectifier.intrinsics
            if rgb_HW3.shape[:2] != (camera.height, camera.width):
                raise SourceError(
                    f'{entry.where}: {entry.file.name} is {rgb_HW3.shape[1]}x'
                    f'{rgb_HW3.shape[0]}, the calibration {camera.width}x'
                    f'{camera.height}'
                )
            rgb_HW3 = self._rectifier.rgb(rgb_HW3)
            depth_m_HW = None if depth_m_HW is None else self._rectifier.depth(depth_m_HW)
        return Frame(
            stamp_ns=entry.stamp_ns,
            rgb_HW3=rgb_HW3,
            intrinsics=self.intrinsics,
            depth_m_HW=depth_m_HW,
            name=entry.file.stem,
            map_from_camera=self.trajectory.at(entry.stamp_ns, max_gap_ns=self.max_gap_ns),
        )

    def _depth(self, image: Entry, size: tuple[int, ...]) -> np.ndarray | None:
        if not self.depths:
            return None
        entry = self.depths[nearest_index(self._depth_stamps_ns, image.stamp_ns)]
        if abs(entry.stamp_ns - image.stamp_ns) > self.max_gap_ns:
            return None
        depth_m_HW = _read(entry, read_depth, depth_scale=self.depth_scale)
        if depth_m_HW.shape != size:
            raise SourceError(
                f'{entry.where}: {entry.file.name} is {depth_m_HW.shape[1]}x'
                f'{depth_m_HW.shape[0]}, its image {size[1]}x{size[0]}; register '
                'the depth to the image'
            )
        return depth_m_HW


def read_index(path: Path) -> list[Entry]:
    """
    Read the lines ``stamp file``; '#' starts a comment line.

    :raises SourceError: where the file is missing or empty, or a line is broken
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f'cannot read the index {path}: {error}') from error
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith('#'):
            entries.append(_entry(path, number, line))
            _check_order(entries)
    if not entries:
        raise SourceError(f'the index {path} names no file')
    return entries


def _entry(path: Path, number: int, line: str) -> Entry:
    where = f'{path}, line {number}'
    words = line.split(maxsplit=1)
    if len(words) != 2:
        raise SourceError(f'{where}: {line.strip()!r} must be a stamp and a file')
    try:
        stamp_ns = parsed_stamp_ns(words[0])
    except MappingError as error:
        raise SourceError(f'{where}: {error}') from error
    return Entry(stamp_ns=stamp_ns, file=path.parent / words[1].strip(), where=where)


def _check_order(entries: list[Entry]) -> None:
    if len(entries) > 1 and entries[-1].stamp_ns <= entries[-2].stamp_ns:
        raise SourceError(
            f'{entries[-1].where}: time does not move on from '
            f'{stamp_text(entries[-2].stamp_ns)} s to '
            f'{stamp_text(entries[-1].stamp_ns)} s; sort the lines'
        )


def _optional_index(path: Path) -> list[Entry]:
    return read_index(path) if path.exists() else []


def _optional_trajectory(path: Path) -> Trajectory:
    if not path.exists():
        return Trajectory(
            stamps_ns_N=np.zeros(0, np.int64), map_from_camera_N44=np.zeros((0, 4, 4))
        )
    try:
        return read_tum(path)
    except MappingError as error:
        raise SourceError(str(error)) from error


def _read(entry: Entry, reader: Any, **options: float) -> np.ndarray:
    try:
        return reader(entry.file, **options)
    except SourceError as error:
        raise SourceError(f'{entry.where}: {error}') from error


def _read_calibration(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        calibration = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise SourceError(f'cannot read {path}: {" ".join(str(error).split())}') from error
    if not isinstance(calibration, dict):
        raise SourceError(f'{path} must hold width, height, fx, fy, cx, cy')
    scale = calibration.get('depth_scale', TUM_DEPTH_SCALE)
    if not isinstance(scale, int | float) or not scale > 0:
        raise SourceError(
            f'{path}: depth_scale = {scale!r} must be a positive number of PNG units per metre'
        )
    return calibration


def _rectifier(
    path: Path, calibration: dict[str, Any], intrinsics: Intrinsics | None
) -> Rectifier | None:
    if not calibration:
        return Rectifier(intrinsics, ()) if intrinsics else None
    try:
        pinhole = {name: float(calibration[name]) for name in ('fx', 'fy', 'cx', 'cy')}
        camera = Intrinsics(
            **pinhole, width=int(calibration['width']), height=int(calibration['height'])
        )
        return Rectifier(camera, [float(k) for k in calibration.get('distortion') or ()])
    except KeyError as error:
        raise SourceError(f'{path} lacks {error}') from error
    except (TypeError, ValueError, InputError, SourceError) as error:
        raise SourceError(f'{path}: {error}') from error
