# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Poses that frames give themselves, by tracking the camera."""

from depth_refiner_ros.core.errors import SettingsError
from depth_refiner_ros.mapping.odometry.detectors import detector_of
from depth_refiner_ros.mapping.odometry.track import Track
from depth_refiner_ros.mapping.odometry.tracker import Odometry
from depth_refiner_ros.nodes.inputs.posed_frames import DepthFrame
from depth_refiner_ros.settings.nodes import TsdfNodeSettings


class OwnPoses:
    """
    Tracks the camera from the first frame on, which is the origin.

    Loops are not closed, because the volume that was fused with earlier poses would stay as it is.

    :raises DepthRefinerError: if the settings do not allow it, with the fix
    """

    def __init__(self, settings: TsdfNodeSettings) -> None:
        if not settings.use_color:
            raise SettingsError('pose_source = own tracks by color; set use_color to true')
        self._max_range_m = settings.max_range_m
        self._detector = detector_of(settings.features)
        self._odometry: Odometry | None = None
        self.lost = 0

    def track(self, frame: DepthFrame) -> Track:
        """
        Return what is known about the pose of the next frame.

        :raises MappingError: if its size is not that of the first frame
        """
        assert frame.rgb_HW3 is not None, 'use_color is set'
        if self._odometry is None:
            self._odometry = Odometry(
                frame.intrinsics,
                max_range_m=self._max_range_m,
                detector=self._detector,
                close_loops=False,
            )
        track = self._odometry.track(frame.rgb_HW3, frame.depth_m_HW)
        self.lost += track.map_from_camera is None
        return track

    def facts(self) -> dict[str, str]:
        """Return the state of tracking, for diagnostics."""
        odometry = self._odometry
        return {
            'key_frames': str(odometry.key_frames if odometry else 0),
            'frames_lost': str(self.lost),
            'found_again': str(odometry.found_again if odometry else 0),
        }

    def reset(self) -> None:
        """Forget the way so far: the next frame is the origin."""
        self._odometry, self.lost = None, 0
