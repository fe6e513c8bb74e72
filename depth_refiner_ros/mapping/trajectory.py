# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera trajectories: the TUM text format and look-up by time."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.core.messages import shown
from depth_refiner_ros.core.stamps import stamp_text
from depth_refiner_ros.mapping.poses import (
    checked_pose,
    interpolated,
    pose_from_quaternion,
    quaternion_xyzw,
)
from depth_refiner_ros.mapping.stamped_lines import first_fault, read_stamped_lines, usable
import numpy as np

HEADER = '# timestamp tx ty tz qx qy qz qw (camera-to-world, metres)\n'


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """
    Poses in order of time.

    :param stamps_ns_N: int64, strictly increasing
    :param map_from_camera_N44: float64
    :raises MappingError: if lengths differ, time jumps back or a pose is not rigid
    """

    stamps_ns_N: np.ndarray
    map_from_camera_N44: np.ndarray

    def __post_init__(self) -> None:
        if len(self.stamps_ns_N) != len(self.map_from_camera_N44):
            raise MappingError(
                f'{len(self.stamps_ns_N)} stamps do not fit {len(self.map_from_camera_N44)} poses'
            )
        for pose in self.map_from_camera_N44:
            checked_pose(pose)
        back = np.flatnonzero(np.diff(self.stamps_ns_N) <= 0)
        if len(back):
            earlier, later = (int(self.stamps_ns_N[back[0] + step]) for step in (0, 1))
            raise MappingError(
                f'stamp {stamp_text(later)} s of pose {back[0] + 1} does not come after '
                f'{stamp_text(earlier)} s; sort the poses and drop repeats'
            )

    def __len__(self) -> int:
        return len(self.stamps_ns_N)

    def at(self, stamp_ns: int, *, max_gap_ns: int) -> np.ndarray | None:
        """Return the pose at a stamp by the rule of :func:`bracket`, None if it has none."""
        found = bracket(self.stamps_ns_N, stamp_ns, max_gap_ns)
        if found is None:
            return None
        first, second, fraction = found
        pose = self.map_from_camera_N44[first]
        if first == second:
            return pose
        return interpolated(pose, self.map_from_camera_N44[second], fraction)


def bracket(
    stamps_ns: Sequence[int] | np.ndarray, stamp_ns: int, max_gap_ns: int
) -> tuple[int, int, float] | None:
    """
    Find the poses around a stamp; the single rule of look-ups in time.

    Between two poses it is interpolated if the nearer one is at most ``max_gap_ns`` away. Beyond
    the ends the last pose is valid for the same time. There is no extrapolation.

    :param stamps_ns: strictly increasing
    :return: two indices and the fraction of the way from the first to the second, None if no
        pose is near enough
    """
    after = bisect_left(stamps_ns, stamp_ns)
    around = [index for index in (after - 1, after) if 0 <= index < len(stamps_ns)]
    gaps_ns = [abs(int(stamps_ns[index]) - stamp_ns) for index in around]
    if not around or min(gaps_ns) > max_gap_ns:
        return None
    if 0 in gaps_ns or len(around) == 1:
        index = around[gaps_ns.index(min(gaps_ns))]
        return index, index, 0.0
    return after - 1, after, gaps_ns[0] / (gaps_ns[0] + gaps_ns[1])


def nearest_index(stamps_ns_N: np.ndarray, stamp_ns: int) -> int:
    """Return the index of the nearest of some increasing stamps; of two, the earlier one."""
    after = int(np.searchsorted(stamps_ns_N, stamp_ns))
    if after == 0:
        return 0
    if after == len(stamps_ns_N):
        return after - 1
    before_gap = stamp_ns - int(stamps_ns_N[after - 1])
    after_gap = int(stamps_ns_N[after]) - stamp_ns
    return after - 1 if before_gap <= after_gap else after


def tum_line(stamp_ns: int, map_from_camera: np.ndarray) -> str:
    """Return one line ``stamp tx ty tz qx qy qz qw`` with its line end."""
    numbers = [*map_from_camera[:3, 3], *quaternion_xyzw(map_from_camera)]
    return ' '.join([stamp_text(stamp_ns), *(f'{number:.9f}' for number in numbers)]) + '\n'


def read_tum(path: Path, log: Callable[[str], None] = lambda line: None) -> Trajectory:
    """
    Read a TUM trajectory; '#' starts a comment line.

    Lines that cannot be read and repeated stamps are left out, see :func:`read_stamped_lines`.

    :param log: called with one line about what is left out, and about units other than seconds
    :raises MappingError: if the file cannot be read, or none of its lines
    """
    lines = read_stamped_lines(Path(path), _parsed_pose, log)
    poses, fault = usable(lines), first_fault(lines)
    if fault and not poses:
        raise MappingError(fault.detail)
    if fault:
        log(f'{len(lines) - len(poses)} of {len(lines)} poses left out: {fault.detail}')
    return Trajectory(
        stamps_ns_N=np.array([pose.stamp_ns for pose in poses], dtype=np.int64),
        map_from_camera_N44=np.array([pose.value for pose in poses]).reshape(-1, 4, 4),
    )


def _parsed_pose(text: str) -> np.ndarray:
    words = text.split('#')[0].replace(',', ' ').split()
    if len(words) != 7:
        raise MappingError(
            'a pose line must be eight numbers, stamp tx ty tz qx qy qz qw, but behind its stamp '
            f'are {len(words)}: {shown(text)}'
        )
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise MappingError(f'{shown(text)} holds a word that is not a number') from error
    return pose_from_quaternion(numbers[:3], numbers[3:])


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """
    Write a TUM trajectory atomically.

    :raises OutputError: if it cannot be written
    """
    write_atomic(Path(path), _tum_lines(trajectory))


def _tum_lines(trajectory: Trajectory) -> Iterable[bytes]:
    yield HEADER.encode()
    for stamp_ns, pose in zip(trajectory.stamps_ns_N, trajectory.map_from_camera_N44):
        yield tum_line(int(stamp_ns), pose).encode()
