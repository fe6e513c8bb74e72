# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the poses of frames come from: the source, the video itself, or an earlier pass."""

from collections.abc import Sequence
from typing import Protocol

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.inference import Depths
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.mapping.odometry.detectors import detector_of
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.trajectory_error import angle_deg
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.sources.frame import Frame, FrameSource, HasTrajectory
import numpy as np

NO_POSE_FIX = (
    'compare the stamps of poses and images, correct poses that are left out, or track the camera '
    'with --odometry'
)
FILM_SLOWER = 'film more slowly, with more frames, or back to a place seen before'


class Poses(Protocol):
    """Gives each frame its pose; asked once per frame, in order."""

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the 4 x 4 pose of the optical frame, None if it is unknown."""

    def why_none(self, frame: Frame) -> str:
        """Return what is to be said behind the name of a frame without a pose."""


class FirstPoses:
    """
    The pose of each frame: the source's own, or tracked if it has none at all.

    The two are never mixed: tracking of some of the frames would be in another map frame.

    :param source: if it has any poses, a frame without one has no place in the map
    :param always_track: use only the pose of the first frame, and track the camera from there
    """

    def __init__(
        self,
        source: FrameSource,
        tsdf: TsdfSettings,
        odometry: OdometrySettings,
        *,
        always_track: bool,
    ) -> None:
        self._tsdf, self._settings, self._always_track = tsdf, odometry, always_track
        self._has_poses = isinstance(source, HasTrajectory) and len(source.trajectory) > 0
        self._odometry: Odometry | None = None
        self._poses: list[np.ndarray | None] = []
        self._why_lost = ''

    @property
    def tracked(self) -> bool:
        """Whether any pose was found by tracking."""
        return self._odometry is not None

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the pose, see :class:`Poses`."""
        frame = depths.frame
        given = self._has_poses or frame.map_from_camera is not None
        if given and not self._always_track:
            return frame.map_from_camera
        if self._odometry is None:
            if not self._always_track:
                note('this source has no poses: the camera is tracked by RGB-D odometry')
            assert frame.intrinsics is not None, 'only frames with a camera are refined'
            self._odometry = Odometry(
                frame.intrinsics,
                max_range_m=self._tsdf.max_range_m,
                map_from_first=frame.map_from_camera,
                detector=detector_of(self._settings.features),
            )
        track = self._odometry.track(frame.rgb_HW3, depths.refined_m_HW)
        self._poses.append(track.map_from_camera)
        self._why_lost = track.reason
        return track.map_from_camera

    def why_none(self, frame: Frame) -> str:
        """Return the reason, see :class:`Poses`."""
        if self.tracked:
            return f'could not be aligned: {self._why_lost}; {FILM_SLOWER}'
        if frame.why_no_pose:
            return f'has no pose; {frame.why_no_pose}, or track the camera with --odometry'
        return f'has no pose; {NO_POSE_FIX}'

    def facts(self) -> dict[str, str]:
        """Return what tracking met with, for reports; empty if it did not run."""
        if self._odometry is None:
            return {}
        lost = sum(pose is None for pose in self._poses)
        return {
            'tracking': f'{counted(self._odometry.key_frames, "key frame")}, '
            f'{counted(self._odometry.loops, "loop")}, {counted(lost, "frame")} lost, '
            f'found again {counted(self._odometry.found_again, "time")}'
        }

    def corrected(self) -> 'CorrectedPoses | None':
        """Return better poses if loops moved any frame visibly, by half a voxel; else None."""
        if self._odometry is None or not self._odometry.loops:
            return None
        better = self._odometry.corrected()
        moved_m = max(
            _moved_m(before, after, self._tsdf.max_range_m)
            for before, after in zip(self._poses, better, strict=True)
            if before is not None and after is not None
        )
        if moved_m < self._tsdf.voxel_m / 2:
            return None
        note(
            f'{counted(self._odometry.loops, "loop")} moved what frames show by up to '
            f'{1e3 * moved_m:.0f} mm: all frames are fused again'
        )
        return CorrectedPoses(better)


class CorrectedPoses:
    """
    Poses of an earlier pass over the same frames.

    :param poses: None where tracking was lost
    """

    def __init__(self, poses: Sequence[np.ndarray | None]) -> None:
        self._left = iter(poses)

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the pose, see :class:`Poses`."""
        return next(self._left)

    def why_none(self, frame: Frame) -> str:
        """Return the reason, see :class:`Poses`."""
        return f'could not be aligned; {FILM_SLOWER}'


def _moved_m(before: np.ndarray, after: np.ndarray, range_m: float) -> float:
    """Return how far a correction moves a point in the middle of the range of depth."""
    motion = inverse(before) @ after
    turned_m = np.radians(angle_deg(motion)) * range_m / 2
    return float(np.linalg.norm(motion[:3, 3]) + turned_m)
