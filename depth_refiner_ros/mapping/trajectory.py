"""Camera trajectories: the TUM text format and look-up by time."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.poses import (
    checked_pose,
    interpolated,
    pose_from_quaternion,
    quaternion_xyzw,
)
import numpy as np

HEADER = '# timestamp tx ty tz qx qy qz qw (camera-to-world, metres)\n'


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """
    Poses in order of time.

    :param stamps_ns_N: int64, strictly increasing
    :param map_from_camera_N44: float64
    :raises MappingError: where lengths differ, time jumps back or a pose is not rigid
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
                f'time does not move on from {stamp_text(earlier)} s to '
                f'{stamp_text(later)} s at pose {back[0] + 1}; sort the poses '
                'and drop repeats'
            )

    def __len__(self) -> int:
        return len(self.stamps_ns_N)

    def nearest(self, stamp_ns: int, *, max_gap_ns: int) -> np.ndarray | None:
        """Return the pose nearest in time, None where it is farther than ``max_gap_ns``."""
        if not len(self):
            return None
        index = nearest_index(self.stamps_ns_N, stamp_ns)
        near = abs(int(self.stamps_ns_N[index]) - stamp_ns) <= max_gap_ns
        return self.map_from_camera_N44[index] if near else None

    def at(self, stamp_ns: int, *, max_gap_ns: int) -> np.ndarray | None:
        """
        Return the pose interpolated between its two neighbours in time.

        :param max_gap_ns: largest distance in time to the nearer neighbour
        :return: None outside the trajectory or inside a hole of it; there is no extrapolation
        """
        after = int(np.searchsorted(self.stamps_ns_N, stamp_ns))
        if after == len(self):
            return None
        stamp_after = int(self.stamps_ns_N[after])
        if stamp_after == stamp_ns:
            return self.map_from_camera_N44[after]
        if after == 0:
            return None
        stamp_before = int(self.stamps_ns_N[after - 1])
        if min(stamp_ns - stamp_before, stamp_after - stamp_ns) > max_gap_ns:
            return None
        fraction = (stamp_ns - stamp_before) / (stamp_after - stamp_before)
        return interpolated(
            self.map_from_camera_N44[after - 1], self.map_from_camera_N44[after], fraction
        )


def nearest_index(stamps_ns_N: np.ndarray, stamp_ns: int) -> int:
    """Return the index of the nearest of some increasing stamps; the earlier one at a tie."""
    after = int(np.searchsorted(stamps_ns_N, stamp_ns))
    if after == 0:
        return 0
    if after == len(stamps_ns_N):
        return after - 1
    before_gap = stamp_ns - int(stamps_ns_N[after - 1])
    after_gap = int(stamps_ns_N[after]) - stamp_ns
    return after - 1 if before_gap <= after_gap else after


def parsed_stamp_ns(text: str) -> int:
    """
    Read decimal seconds as exact nanoseconds; a float would lose 100 ns of a Unix time.

    :raises MappingError: where the text is not a number
    """
    try:
        seconds = Decimal(text)
    except InvalidOperation as error:
        raise MappingError(f'{text!r} is not a time in seconds') from error
    if not seconds.is_finite():
        raise MappingError(f'{text!r} is not a time in seconds')
    return int((seconds * 1_000_000_000).to_integral_value())


def stamp_text(stamp_ns: int) -> str:
    """Write nanoseconds as decimal seconds."""
    seconds, rest = divmod(stamp_ns, 1_000_000_000)
    return f'{seconds}.{rest:09d}'


def tum_line(stamp_ns: int, map_from_camera: np.ndarray) -> str:
    """Return one line ``stamp tx ty tz qx qy qz qw`` with its line end."""
    numbers = [*map_from_camera[:3, 3], *quaternion_xyzw(map_from_camera)]
    return ' '.join([stamp_text(stamp_ns), *(f'{number:.9f}' for number in numbers)]) + '\n'


def parsed_tum_line(line: str) -> tuple[int, np.ndarray]:
    """
    Read one pose line.

    :return: stamp in nanoseconds and the 4 x 4 pose
    :raises MappingError: where it is not eight numbers or the pose is unfit
    """
    words = line.replace(',', ' ').split()
    if len(words) != 8:
        raise MappingError(f'{line.strip()!r} must be stamp tx ty tz qx qy qz qw')
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError as error:
        raise MappingError(f'{line.strip()!r} holds a word that is not a number') from error
    return parsed_stamp_ns(words[0]), pose_from_quaternion(numbers[:3], numbers[3:])


def read_tum(path: Path) -> Trajectory:
    """
    Read a TUM trajectory; '#' starts a comment line.

    :raises MappingError: naming file and line of what is wrong
    """
    try:
        text = Path(path).read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f'cannot read the trajectory {path}: {error}') from error
    stamps_ns: list[int] = []
    poses: list[np.ndarray] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith('#'):
            continue
        try:
            stamp_ns, pose = parsed_tum_line(line)
        except MappingError as error:
            raise MappingError(f'{path}, line {number}: {error}') from error
        if stamps_ns and stamp_ns <= stamps_ns[-1]:
            raise MappingError(
                f'{path}, line {number}: time does not move on from '
                f'{stamp_text(stamps_ns[-1])} s to {stamp_text(stamp_ns)} s; '
                'sort the lines and drop repeats'
            )
        stamps_ns.append(stamp_ns)
        poses.append(pose)
    return Trajectory(
        stamps_ns_N=np.array(stamps_ns, dtype=np.int64),
        map_from_camera_N44=np.array(poses).reshape(-1, 4, 4),
    )


def write_tum(path: Path, trajectory: Trajectory) -> None:
    """
    Write a TUM trajectory in one piece.

    :raises MappingError: where it cannot be written
    """
    write_atomic(Path(path), _tum_lines(trajectory))


def _tum_lines(trajectory: Trajectory) -> Iterable[bytes]:
    yield HEADER.encode()
    for stamp_ns, pose in zip(trajectory.stamps_ns_N, trajectory.map_from_camera_N44):
        yield tum_line(int(stamp_ns), pose).encode()
