# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the poses of frames come from: the source, the video itself, or an earlier pass."""

from collections.abc import Sequence
from typing import Protocol

from depth_refiner_ros.apps.console import note
from depth_refiner_ros.apps.inference import Depths
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.mapping.odometry.detectors import detector_of
from depth_refiner_ros.mapping.odometry.track import lost, Track, TrackStatus
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.trajectory_error import angle_deg
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.sources.frame import Frame, FrameSource, HasTrajectory
from depth_refiner_ros.sources.lost_frames import FrameError, WRONG_SIZE
import numpy as np

NO_POSE_FIX = (
    'compare the stamps of poses and images, correct poses that are left out, or track the camera '
    'with --odometry'
)
FILM_SLOWER = 'film more slowly, with more frames, or back to a place seen before'
NOTHING_FITS = 'no frame could be aligned to the first one'


class Poses(Protocol):
    """Gives each frame its pose; asked once per frame, in order."""

    own_origin: bool
    """Whether poses are relative to a frame whose own pose is not known."""

    def of(self, depths: Depths) -> np.ndarray | None:
        """
        Return the 4 x 4 pose of the optical frame, None if it is unknown.

        :raises FrameError: if the frame cannot be tracked
        """

    def why_none(self, frame: Frame) -> str:
        """Return what is to be said behind the name of a frame without a pose."""


class FirstPoses:
    """
    The pose of each frame: the source's own, or tracked if it has none at all.

    The two are never mixed: tracking of some of the frames would be in another map frame.

    :param source: if it has any poses, a frame without one has no place in the map
    :param depth: what the depth is that the camera is tracked by, in words
    :param always_track: use only the pose of the first frame, and track the camera from there
    """

    own_origin = False

    def __init__(
        self,
        source: FrameSource,
        tsdf: TsdfSettings,
        odometry: OdometrySettings,
        *,
        depth: str,
        always_track: bool,
    ) -> None:
        self._tracker = f'odometry of images and {depth}'
        self._tsdf, self._settings, self._always_track = tsdf, odometry, always_track
        self._has_poses = isinstance(source, HasTrajectory) and len(source.trajectory) > 0
        self._odometry: Odometry | None = None
        self._tracks: list[Track] = []
        self._begun_anew = False

    @property
    def tracked(self) -> bool:
        """Whether any pose was found by tracking."""
        return self._odometry is not None

    @property
    def origin(self) -> str:
        """Where the poses come from, in words."""
        return self._tracker if self.tracked else 'the source'

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the pose, see :class:`Poses`."""
        frame = depths.frame
        given = self._has_poses or frame.map_from_camera is not None
        if given and not self._always_track:
            return frame.map_from_camera
        if self._odometry is None:
            if not self._always_track:
                note(f'this source has no poses: the camera is tracked by {self._tracker}')
            assert frame.intrinsics is not None, 'only frames with a camera are refined'
            self._odometry = Odometry(
                frame.intrinsics,
                max_range_m=self._tsdf.max_range_m,
                detector=detector_of(self._settings.features),
            )
        _check_size(frame, self._odometry.intrinsics)
        track = self._odometry.track(
            frame.rgb_HW3, depths.refined_m_HW, map_from_first=frame.map_from_camera
        )
        if track.status is TrackStatus.FIRST:
            self._begin(frame)
        self._tracks.append(track)
        return track.map_from_camera

    def why_none(self, frame: Frame) -> str:
        """Return the reason, see :class:`Poses`."""
        if self.tracked:
            return _not_aligned(self._tracks[-1].reason)
        if frame.why_no_pose:
            return f'has no pose; {frame.why_no_pose}, or track the camera with --odometry'
        return f'has no pose; {NO_POSE_FIX}'

    def facts(self) -> dict[str, str]:
        """Return what tracking met with, for reports; empty if it did not run."""
        if self._odometry is None:
            return {}
        without = sum(track.map_from_camera is None for track in self._tracks)
        return {
            'tracking': f'{counted(self._odometry.key_frames, "key frame")}, '
            f'{counted(self._odometry.loops, "loop")}, {counted(without, "frame")} lost, '
            f'found again {counted(self._odometry.found_again, "time")}'
        }

    def corrected(self) -> 'CorrectedPoses | None':
        """
        Return better poses, None if none is visibly better.

        They are if loops moved any frame by half a voxel, or if the map began anew, so that its
        first frames have no place in it.
        """
        if self._odometry is None or not (self._odometry.loops or self._begun_anew):
            return None
        better = self._odometry.corrected()
        moved_m = max(
            _moved_m(track.map_from_camera, after, self._tsdf.max_range_m)
            for track, after in zip(self._tracks, better, strict=True)
            if track.map_from_camera is not None and after is not None
        )
        if self._begun_anew:
            why = f'{NOTHING_FITS}, so the map begins with a later one'
        elif moved_m >= self._tsdf.voxel_m / 2:
            why = (
                f'{counted(self._odometry.loops, "loop")} moved what frames show by up to '
                f'{1e3 * moved_m:.0f} mm'
            )
        else:
            return None
        note(f'{why}: all frames are fused again')
        return CorrectedPoses(better, self._tracks, self._odometry.intrinsics)

    def _begin(self, frame: Frame) -> None:
        """Note that the map begins with this frame; one that it began with before is lost."""
        self.own_origin = frame.map_from_camera is None
        self._begun_anew = any(track.map_from_camera is not None for track in self._tracks)
        self._tracks = [
            track if track.map_from_camera is None else lost(NOTHING_FITS)
            for track in self._tracks
        ]


class CorrectedPoses:
    """
    Poses of an earlier pass over the same frames.

    :param poses: None where tracking was lost
    :param tracks: of the earlier pass, which say why
    :param camera: of the frames that were tracked
    """

    own_origin = False

    def __init__(
        self, poses: Sequence[np.ndarray | None], tracks: Sequence[Track], camera: Intrinsics
    ) -> None:
        self._left, self._camera, self._why_lost = zip(poses, tracks, strict=True), camera, ''

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the pose, see :class:`Poses`."""
        _check_size(depths.frame, self._camera)
        pose, track = next(self._left)
        self._why_lost = track.reason
        return pose

    def why_none(self, frame: Frame) -> str:
        """Return the reason, see :class:`Poses`."""
        return _not_aligned(self._why_lost)


def _not_aligned(why: str) -> str:
    return f'could not be aligned: {why}; {FILM_SLOWER}'


def _check_size(frame: Frame, camera: Intrinsics) -> None:
    """
    Raise if a frame is not of the size of the camera that is tracked.

    :raises FrameError: with both sizes
    """
    height, width = frame.rgb_HW3.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise FrameError(
            WRONG_SIZE,
            f'{frame.name} is {width}x{height}, the first tracked frame '
            f'{camera.width}x{camera.height}; give images of one size and camera',
        )


def _moved_m(before: np.ndarray, after: np.ndarray, range_m: float) -> float:
    """Return how far a correction moves a point in the middle of the range of depth."""
    motion = inverse(before) @ after
    turned_m = np.radians(angle_deg(motion)) * range_m / 2
    return float(np.linalg.norm(motion[:3, 3]) + turned_m)
