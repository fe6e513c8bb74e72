# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Camera motion from RGB-D images, for recordings without poses.

Each frame is aligned to a key frame by Open3D's multi-scale odometry (photometric and geometric
residual, Park et al. 2017). A frame that cannot be aligned has no pose; poses are not guessed.
"""

from dataclasses import dataclass
from enum import Enum

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.poses import checked_pose
import numpy as np
import open3d as o3d
import open3d.core as o3c


class TrackStatus(Enum):
    """Whether a frame has a pose."""

    FIRST = 'first'
    """The first frame, which defines the map."""
    OK = 'ok'
    LOST = 'lost'


@dataclass(frozen=True, kw_only=True)
class Track:
    """
    Result for one frame.

    :param map_from_camera: 4 x 4 float64 pose, None if lost
    :param overlap: share of the pixels with depth that were matched
    :param reason: why it was lost
    """

    status: TrackStatus
    map_from_camera: np.ndarray | None
    overlap: float = 0.0
    reason: str = ''


class Odometry:
    """
    Tracks the camera frame by frame.

    :param intrinsics: of all frames
    :param max_range_m: ignore farther depth
    :param min_overlap: a frame with less overlap is lost
    :param key_overlap: a frame with less overlap becomes the next key frame
    :param max_step_m: a larger move between two frames counts as lost
    :param max_step_deg: a larger turn between two frames counts as lost
    :param map_from_first: pose of the first frame, the identity by default
    """

    def __init__(
        self,
        intrinsics: Intrinsics,
        *,
        max_range_m: float = 5.0,
        min_overlap: float = 0.3,
        key_overlap: float = 0.6,
        max_step_m: float = 0.3,
        max_step_deg: float = 20.0,
        map_from_first: np.ndarray | None = None,
    ) -> None:
        self.intrinsics = intrinsics
        self.max_range_m = max_range_m
        self.min_overlap = min_overlap
        self.key_overlap = key_overlap
        self.max_step_m = max_step_m
        self.max_step_deg = max_step_deg
        self._matrix = o3c.Tensor.from_numpy(intrinsics.matrix())
        self._map_from_key = checked_pose(np.eye(4) if map_from_first is None else map_from_first)
        self._key: o3d.t.geometry.RGBDImage | None = None
        self._key_from_last = np.eye(4)

    def track(self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> Track:
        """
        Find the pose of the next frame.

        :param rgb_HW3: uint8
        :param depth_m_HW: float32, NaN where unknown
        :raises MappingError: if a size does not fit the intrinsics
        """
        self._check(rgb_HW3, depth_m_HW)
        depth_m_HW = np.where(
            (depth_m_HW > 0) & (depth_m_HW <= self.max_range_m), depth_m_HW, np.float32(0)
        ).astype(np.float32)
        valid_share = np.count_nonzero(depth_m_HW) / depth_m_HW.size
        if valid_share < 0.01:
            return _lost(
                f'only {valid_share:.1%} of the pixels have depth up to {self.max_range_m:g} m'
            )
        frame = _rgbd(rgb_HW3, depth_m_HW)
        if self._key is None:
            self._key = frame
            return Track(
                status=TrackStatus.FIRST, map_from_camera=self._map_from_key.copy(), overlap=1.0
            )
        return self._align(frame, valid_share)

    def _align(self, frame: o3d.t.geometry.RGBDImage, valid_share: float) -> Track:
        try:
            found = o3d.t.pipelines.odometry.rgbd_odometry_multi_scale(
                frame,
                self._key,
                self._matrix,
                o3c.Tensor.from_numpy(self._key_from_last),
                1.0,
                self.max_range_m,
            )
        except RuntimeError as error:
            if 'Singular' not in str(error):
                raise
            return _lost('the motion cannot be determined: too little shape and texture')
        key_from_camera = found.transformation.cpu().numpy()
        overlap = found.fitness / valid_share
        if not np.isfinite(key_from_camera).all() or overlap < self.min_overlap:
            return _lost(f'overlap {overlap:.2f} is below {self.min_overlap:g}', overlap)
        step = np.linalg.solve(self._key_from_last, key_from_camera)
        step_m, step_deg = np.linalg.norm(step[:3, 3]), _angle_deg(step)
        if step_m > self.max_step_m or step_deg > self.max_step_deg:
            return _lost(
                f'a motion of {step_m:.2f} m and {step_deg:.0f} deg between two frames '
                'is not plausible',
                overlap,
            )
        map_from_camera = self._map_from_key @ key_from_camera
        self._key_from_last = key_from_camera
        if overlap < self.key_overlap:
            self._key, self._map_from_key = frame, map_from_camera
            self._key_from_last = np.eye(4)
        return Track(
            status=TrackStatus.OK, map_from_camera=map_from_camera.copy(), overlap=overlap
        )

    def _check(self, rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> None:
        size = (self.intrinsics.height, self.intrinsics.width)
        if rgb_HW3.shape != (*size, 3) or depth_m_HW.shape != size:
            raise MappingError(
                f'image {rgb_HW3.shape} and depth {depth_m_HW.shape} do not fit '
                f'the camera of {size[1]}x{size[0]} pixels'
            )


def _rgbd(rgb_HW3: np.ndarray, depth_m_HW: np.ndarray) -> o3d.t.geometry.RGBDImage:
    color = np.ascontiguousarray(rgb_HW3, dtype=np.float32) / np.float32(255.0)
    return o3d.t.geometry.RGBDImage(
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(color)),
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(depth_m_HW)),
    )


def _angle_deg(pose: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(pose[:3, :3]) - 1.0) / 2.0, -1.0, 1.0))))


def _lost(reason: str, overlap: float = 0.0) -> Track:
    return Track(status=TrackStatus.LOST, map_from_camera=None, overlap=overlap, reason=reason)
