# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Camera motion from RGB-D images, for recordings without poses.

A frame that cannot be aligned to the newest key frame is looked for among all of them; if it is
not found there either, it has no pose. Poses are not guessed.
"""

from collections.abc import Iterator

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.odometry.alignment import Aligned, Aligner, by_features, Seen
from depth_refiner_ros.mapping.odometry.covariance import chained, covariance_of, in_map_axes
from depth_refiner_ros.mapping.odometry.features import FeatureDetector
from depth_refiner_ros.mapping.odometry.key_frames import KeyFrame, KeyFrames
from depth_refiner_ros.mapping.odometry.limits import Limits
from depth_refiner_ros.mapping.odometry.orb import Orb
from depth_refiner_ros.mapping.odometry.pose_graph import corrected, Edge, information_of
from depth_refiner_ros.mapping.odometry.track import lost, Track, TrackStatus
from depth_refiner_ros.mapping.poses import checked_pose
import numpy as np

LEAST_DEPTH = 0.01
"""Share of the pixels that must have depth."""
MOST_KEY_FRAMES = 1000
"""Without loops: a camera may run for days. 72 MB with ORB, whose key frame is some 72 kB."""
FEATURES_ALONE = 0.04
"""Weight of a motion that pixels did not refine: it is some five times less accurate."""


class Odometry:
    """
    Tracks the camera frame by frame.

    :param intrinsics: of all frames
    :param max_range_m: ignore farther depth
    :param detector: of features; ORB by default
    :param close_loops: look for each new key frame among all earlier ones, for :meth:`corrected`
    """

    def __init__(
        self,
        intrinsics: Intrinsics,
        *,
        max_range_m: float = 5.0,
        detector: FeatureDetector | None = None,
        limits: Limits | None = None,
        close_loops: bool = True,
    ) -> None:
        self.intrinsics = intrinsics
        self.max_range_m = max_range_m
        self.found_again = 0
        self._close_loops = close_loops
        self._limits = limits or Limits()
        self._aligner = Aligner(intrinsics, max_range_m, detector or Orb(), self._limits)
        self._keys = self._no_keys()
        self._lost_since_first: int | None = 0
        """None as soon as a frame was aligned."""
        self._edges: list[Edge] = []
        self._places: list[tuple[int, np.ndarray] | None] = []
        self._key: Seen | None = None
        self._key_from_last = np.eye(4)

    @property
    def key_frames(self) -> int:
        """Return the number of key frames that are kept."""
        return len(self._keys)

    @property
    def loops(self) -> int:
        """Return the number of times that a key frame showed a place seen before."""
        return sum(edge.loop for edge in self._edges)

    def track(
        self,
        rgb_HW3: np.ndarray,
        depth_m_HW: np.ndarray,
        *,
        map_from_first: np.ndarray | None = None,
    ) -> Track:
        """
        Find the pose of the next frame as far as is known now.

        :param rgb_HW3: uint8
        :param depth_m_HW: float32, NaN where unknown
        :param map_from_first: pose of this frame if the map begins with it; default the identity
        :return: ``FIRST`` again if the map begins anew, in which earlier frames have no place
        :raises MappingError: if a size does not fit the intrinsics, or the pose is not rigid
        """
        self._check(rgb_HW3, depth_m_HW)
        depth_m_HW = np.where(
            (depth_m_HW > 0) & (depth_m_HW <= self.max_range_m), depth_m_HW, np.float32(0)
        ).astype(np.float32)
        share = np.count_nonzero(depth_m_HW) / depth_m_HW.size
        if share < LEAST_DEPTH:
            track = lost(f'only {share:.1%} of the pixels have depth up to {self.max_range_m:g} m')
        else:
            track = self._track(self._aligner.seen(rgb_HW3, depth_m_HW), map_from_first)
        if track.map_from_camera is None:
            self._note_place(None)
        return track

    def corrected(self) -> list[np.ndarray | None]:
        """
        Return the pose of each frame tracked so far with all loops closed, None where lost.

        Without ``close_loops`` there are none.
        :meth:`track` returns what was known at that time, which does not jump at a loop.
        """
        poses = corrected([key.map_from_camera for key in self._keys], self._edges)
        return [None if place is None else poses[place[0]] @ place[1] for place in self._places]

    def _track(self, frame: Seen, map_from_first: np.ndarray | None) -> Track:
        if self._key is None:
            return self._begun(frame, map_from_first)
        aligned = self._aligner.align(self._key, frame, self._key_from_last)
        if isinstance(aligned, Track):
            found = self._found_again(frame)
            if found is None and self._begins_anew(frame):
                self._keys, self._places = self._no_keys(), [None] * len(self._places)
                found = self._begun(frame, map_from_first)
            return found or aligned
        self._lost_since_first = None
        newest = len(self._keys) - 1
        pose, covariance_66 = self._placed(newest, aligned.key_from_camera, aligned.points_m_N3)
        self._key_from_last = aligned.key_from_camera
        if self._leaves_key(aligned):
            if self._close_loops:
                self._edges.append(_edge(newest, len(self._keys), aligned, loop=False))
            self._add_key(frame, pose, covariance_66)
        else:
            self._note_place((newest, aligned.key_from_camera))
        return Track(
            status=TrackStatus.OK,
            map_from_camera=pose,
            overlap=aligned.overlap,
            inliers=aligned.inliers,
            covariance_66=in_map_axes(covariance_66, pose),
        )

    def _no_keys(self) -> KeyFrames:
        most = None if self._close_loops else MOST_KEY_FRAMES
        return KeyFrames(self._aligner.detector.norm, self._aligner.matrix, most)

    def _begun(self, frame: Seen, map_from_first: np.ndarray | None) -> Track:
        pose = checked_pose(np.eye(4) if map_from_first is None else map_from_first)
        self._add_key(frame, pose, np.zeros((6, 6)))
        self._lost_since_first = 0
        return Track(
            status=TrackStatus.FIRST,
            map_from_camera=pose.copy(),
            overlap=1.0,
            covariance_66=np.zeros((6, 6)),
        )

    def _begins_anew(self, frame: Seen) -> bool:
        """Whether a lost frame is to replace the first, which may have been dark or of noise."""
        if self._key is None or self._lost_since_first is None:
            return False
        self._lost_since_first += 1
        fewest = self._limits.fewest_inliers
        plain = self._key.features.located < fewest
        given_up = plain or self._lost_since_first > self._limits.most_lost_at_first
        return given_up and frame.features.located >= fewest

    def _placed(
        self, base: int, base_from_camera: np.ndarray, points_m_N3: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pose and covariance of a frame that was aligned to a key frame by points."""
        key = self._keys[base]
        added_66 = covariance_of(points_m_N3, base_from_camera, self._aligner.matrix)
        return (
            key.map_from_camera @ base_from_camera,
            chained(key.covariance_66, base_from_camera, added_66),
        )

    def _leaves_key(self, aligned: Aligned) -> bool:
        assert self._key is not None, 'the first frame is one'
        few = aligned.inliers < self._limits.key_inliers * self._key.features.located
        far = 0 < aligned.overlap < self._limits.key_overlap
        by_pixels = aligned.inliers < self._limits.fewest_inliers
        return far or (few and not by_pixels)

    def _found_again(self, frame: Seen) -> Track | None:
        """Look for a lost frame among all key frames; the first to show it is the base."""
        for base, aligned in self._seen_before(frame, among=len(self._keys)):
            pose, covariance_66 = self._placed(base, aligned.key_from_camera, aligned.points_m_N3)
            if self._close_loops:
                self._edges.append(_edge(base, len(self._keys), aligned, loop=False))
            self._add_key(frame, pose, covariance_66, linked=base)
            self.found_again += 1
            self._lost_since_first = None
            return Track(
                status=TrackStatus.FOUND_AGAIN,
                map_from_camera=pose,
                overlap=aligned.overlap,
                inliers=aligned.inliers,
                covariance_66=in_map_axes(covariance_66, pose),
            )
        return None

    def _seen_before(self, frame: Seen, *, among: int) -> Iterator[tuple[int, Aligned]]:
        """Yield the first so many key frames that show the same place, the likeliest first."""
        for before in self._keys.seen_before(
            frame.features, fewest_inliers=self._limits.loop_inliers, among=among
        ):
            image = self._keys[before.index].image
            if image is not None:
                aligned = self._aligner.refined(image, frame, before.matches, before.motion)
            else:
                aligned = by_features(before.matches, before.motion)
            yield before.index, aligned

    def _add_key(
        self,
        frame: Seen,
        map_from_camera: np.ndarray,
        covariance_66: np.ndarray,
        linked: int | None = None,
    ) -> None:
        index = len(self._keys)
        linked = index - 1 if linked is None else linked
        if self._close_loops:
            for base, aligned in self._seen_before(frame, among=index):
                if base != linked:
                    self._edges.append(_edge(base, index, aligned, loop=True))
        self._keys.add(
            KeyFrame(
                features=frame.features,
                image=frame.image if self._close_loops else None,
                map_from_camera=map_from_camera,
                covariance_66=covariance_66,
            )
        )
        self._note_place((index, np.eye(4)))
        self._key, self._key_from_last = frame, np.eye(4)

    def _note_place(self, place: tuple[int, np.ndarray] | None) -> None:
        """Keep a frame's place for :meth:`corrected`; a camera may run for days without loops."""
        if self._close_loops:
            self._places.append(place)

    def _check(self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> None:
        size = (self.intrinsics.height, self.intrinsics.width)
        if rgb_HW3.shape != (*size, 3) or depth_m_HW.shape != size:
            raise MappingError(
                f'image {rgb_HW3.shape} and depth {depth_m_HW.shape} do not fit '
                f'the camera of {size[1]}x{size[0]} pixels; images of one size are needed'
            )


def _edge(first: int, second: int, aligned: Aligned, *, loop: bool) -> Edge:
    """Return the measured motion from one key frame to another."""
    weight = 1.0 if aligned.overlap else FEATURES_ALONE
    return Edge(
        first=first,
        second=second,
        first_from_second=aligned.key_from_camera,
        information_66=weight * information_of(aligned.points_m_N3),
        loop=loop,
    )
