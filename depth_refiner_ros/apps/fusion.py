# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Refine frames, find their poses and fuse them into a map, one by one."""

from dataclasses import dataclass, field, replace
from functools import partial
import statistics
import time

from depth_refiner_ros.apps.inference import Depths, infer
from depth_refiner_ros.apps.poses import Poses
from depth_refiner_ros.apps.scoring import COMPARED, Comparison, Steadiness
from depth_refiner_ros.apps.spread import Spread
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import PoseError
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.mapping.trajectory_error import trajectory_error, TrajectoryError
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.mapping.voxel_grid import VolumeFullError
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.lost_frames import (
    frame_or_lost,
    FrameError,
    LostFrame,
    NO_CAMERA,
    NO_POSE,
    NO_ROOM,
    UNFIT_POSE,
)
import numpy as np

NO_CAMERA_FIX = (
    'give the source a camera: calibration.yaml with width, height, fx, fy, cx and cy beside '
    'rgb.txt, fx_fy_cx_cy in a frame list, camera_info in a bag, or --assume-fov-deg'
)


@dataclass
class Fused:
    """Results of the frames fused so far."""

    stamps_ns: list[int] = field(default_factory=list)
    poses: list[np.ndarray] = field(default_factory=list)
    true_poses: dict[int, np.ndarray] = field(default_factory=dict)
    """Poses of the source by stamp, where it has one."""
    latency_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    true_views: list[PosedDepth] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    steadiness: Steadiness = field(default_factory=lambda: Steadiness((*COMPARED, 'fused')))

    @property
    def fps(self) -> float | None:
        """Return the frames per second of refinement alone, None without frames."""
        busy_s = sum(self.latency_ms) / 1e3
        return len(self.latency_ms) / busy_s if busy_s else None

    @property
    def median_stages_ms(self) -> dict[str, float]:
        """Return the median time of each stage."""
        return {name: statistics.median(ms) for name, ms in self.stages_ms.items()}

    @property
    def trajectory(self) -> Trajectory:
        """Return the poses of the fused frames."""
        return Trajectory(
            stamps_ns_N=np.array(self.stamps_ns, dtype=np.int64),
            map_from_camera_N44=np.array(self.poses).reshape(-1, 4, 4),
        )

    @property
    def trajectory_error(self) -> TrajectoryError | None:
        """Return how far the poses are from those of the source, None with too few of them."""
        true = Trajectory(
            stamps_ns_N=np.array(list(self.true_poses), dtype=np.int64),
            map_from_camera_N44=np.array(list(self.true_poses.values())).reshape(-1, 4, 4),
        )
        return trajectory_error(self.trajectory, true)


class Fusion:
    """
    Refines frames and fuses them into a volume.

    :param judged: picks the frames whose depth decides which part of the true surface was in view
    :param fuse_own_depth: also fuse the true depth of the frames, to compare the mesh with
    :param distances: also note what frames look through, for planners that ask the kept volume
    """

    def __init__(
        self,
        refiner: DepthRefiner,
        model: ModelSettings,
        tsdf: TsdfSettings,
        poses: Poses,
        judged: Spread,
        *,
        fuse_own_depth: bool,
        distances: bool,
    ) -> None:
        self.mapper = Mapper(tsdf, distances=distances)
        self._own_depth: TsdfVolume | None = None
        self._own_full: VolumeFullError | None = None
        self._fuse_own_depth = fuse_own_depth
        self.fused = Fused()
        self._refiner, self._model, self._tsdf = refiner, model, tsdf
        self._poses, self._judged = poses, judged

    def add(self, index: int, frame: Frame | LostFrame) -> Depths | LostFrame:
        """Refine, locate and fuse a frame, unless it is lost in one of these steps."""
        added = (
            frame
            if isinstance(frame, LostFrame)
            else frame_or_lost(frame.name, partial(self._add, index, frame))
        )
        if isinstance(added, LostFrame):
            self.fused.steadiness.cut()
        return added

    def _add(self, index: int, frame: Frame) -> Depths:
        depths = self._refined(frame)
        started_s = time.perf_counter()
        pose = self._poses.of(depths)
        self._note_time('pose', started_s)
        if pose is None or frame.intrinsics is None:
            raise FrameError(NO_POSE, f'{frame.name} {self._poses.why_none(frame)}')
        if self._poses.own_origin:
            self.mapper.check_origin()
        view = PosedDepth(
            depth_m_HW=depths.refined_m_HW, intrinsics=frame.intrinsics, map_from_camera=pose
        )
        try:
            held = self._fuse(view, depths)
        except PoseError as error:
            raise FrameError(UNFIT_POSE, f'{frame.name}: {error}') from error
        except VolumeFullError as error:
            raise FrameError(NO_ROOM, f'{frame.name}: {error}') from error
        if self._fuse_own_depth and depths.truth_m_HW is not None:
            self._fuse_own(depths.truth_m_HW, view)
        self.fused.steadiness.add(replace(view, depth_m_HW=depths.prior_m_HW), view, held)
        self.fused.stamps_ns.append(frame.stamp_ns)
        self.fused.poses.append(pose)
        if frame.map_from_camera is not None:
            self.fused.true_poses[frame.stamp_ns] = frame.map_from_camera
        if frame.depth_m_HW is not None and self._judged.picks(index):
            self.fused.true_views.append(
                PosedDepth(
                    depth_m_HW=frame.depth_m_HW, map_from_camera=pose, intrinsics=frame.intrinsics
                )
            )
        return depths

    def _fuse(self, view: PosedDepth, depths: Depths) -> PosedDepth:
        """Return the view at the scale at which it was fused."""
        started_s = time.perf_counter()
        held, _ = self.mapper.held(view, self._tsdf)
        self._note_time('scale', started_s)
        started_s = time.perf_counter()
        self.mapper.add(held, depths.frame.rgb_HW3, depths.confidence_HW, self._tsdf)
        self._note_time('fuse', started_s)
        return held

    def own_mesh(self, *, min_part_triangles: int) -> Mesh | None:
        """
        Return the mesh of the frames' true depth, None without any.

        :raises MappingError: if that leaves no surface, or there was no room for all of it
        """
        if self._own_full is not None:
            raise self._own_full
        if self._own_depth is None:
            return None
        return self._own_depth.mesh(min_part_triangles=min_part_triangles)

    def _fuse_own(self, truth_m_HW: np.ndarray, view: PosedDepth) -> None:
        if self._own_depth is None:
            self._own_depth = Mapper(self._tsdf).volume
        try:
            self._own_depth.integrate(truth_m_HW, None, view.intrinsics, view.map_from_camera)
        except VolumeFullError as error:
            # Compared with a part of the truth, the rest of the mesh would count as wrong.
            self._own_depth, self._own_full, self._fuse_own_depth = None, error, False

    def _refined(self, frame: Frame) -> Depths:
        if frame.intrinsics is None:
            raise FrameError(NO_CAMERA, f'{frame.name} has no camera model; {NO_CAMERA_FIX}')
        started_s = time.perf_counter()
        depths = infer(self._refiner, self._model, frame)
        self.fused.latency_ms.append(1e3 * (time.perf_counter() - started_s))
        for stage, ms in depths.timings_ms.items():
            self.fused.stages_ms.setdefault(stage, []).append(ms)
        self.fused.comparison.add(depths.errors())
        return depths

    def _note_time(self, stage: str, started_s: float) -> None:
        elapsed_ms = 1e3 * (time.perf_counter() - started_s)
        self.fused.stages_ms.setdefault(stage, []).append(elapsed_ms)
