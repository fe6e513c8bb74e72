"""The work of ``depth-refiner fuse``."""

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
import statistics
import time

from depth_refiner_ros.apps.closing_lines import print_summary
from depth_refiner_ros.apps.console import note, tracked, write_json
from depth_refiner_ros.apps.inference import Depths, infer
from depth_refiner_ros.apps.lost_frames import check_some_left, counter_for, dropped, end_run
from depth_refiner_ros.apps.results import Run, write_results
from depth_refiner_ros.apps.scoring import Comparison
from depth_refiner_ros.apps.spread import count_taken, Spread, taken
from depth_refiner_ros.core.edges import flying_pixels
from depth_refiner_ros.core.images import depth_batch
from depth_refiner_ros.core.output_lock import locked_folder
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_io import write_ply
from depth_refiner_ros.mapping.mesh_metrics import compare, MeshScore
from depth_refiner_ros.mapping.mesh_metrics import View as TrueView
from depth_refiner_ros.mapping.recording import encoded_depth, MILLIMETRES
from depth_refiner_ros.mapping.tracking import Odometry
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import View
from depth_refiner_ros.report.scene import SceneRecording
from depth_refiner_ros.settings.fusion import EdgeFilterSettings, TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.frame import Frame, FrameSource, HasMesh, HasTrajectory
from depth_refiner_ros.sources.lost_frames import (
    frame_or_lost,
    FrameError,
    LostFrame,
    LostFrames,
    NO_CAMERA,
    NO_POSE,
)
from depth_refiner_ros.sources.registry import open_source
import numpy as np

SHOWN_FRAMES = 3
TRUE_VIEWS = 60
"""Frames, evenly spread, that decide which part of the true surface was in view."""
MIN_PART_TRIANGLES = 50
"""Connected parts of fewer triangles are crumbs, not surfaces."""
NO_CAMERA_FIX = (
    'give the source a camera: calibration.yaml with width, height, fx, fy, cx and cy beside '
    'rgb.txt, fx_fy_cx_cy in a frame list, camera_info in a bag'
)
NO_POSE_FIX = 'compare the stamps of poses and images, or track the camera with --odometry'


@dataclass
class Progress:
    """
    What the frames so far have given.

    :param judged: picks the frames whose depth decides which part of the true surface was in view
    """

    lost: LostFrames
    judged: Spread

    stamps_ns: list[int] = field(default_factory=list)
    poses: list[np.ndarray] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    views: list[View] = field(default_factory=list)
    true_views: list[TrueView] = field(default_factory=list)
    comparison: Comparison = field(default_factory=Comparison)
    frames: int = 0

    def time(self, stage: str, started_s: float) -> None:
        """Note how long a stage took."""
        self.stages_ms.setdefault(stage, []).append(1e3 * (time.perf_counter() - started_s))


class Poses:
    """
    The pose of each frame: the source's own, or from RGB-D odometry where it has none at all.

    The two are never mixed, for odometry of some frames would start a map of its own.

    :param source: where it has poses, a frame without one has no place in the map
    :param always_track: do not use the source's poses but that of the first frame
    """

    def __init__(self, source: FrameSource, max_range_m: float, *, always_track: bool) -> None:
        self._max_range_m, self._always_track = max_range_m, always_track
        self._has_poses = isinstance(source, HasTrajectory) and len(source.trajectory) > 0
        self._odometry: Odometry | None = None
        self.tracked = False

    def of(self, depths: Depths) -> np.ndarray | None:
        """Return the 4 x 4 pose of the optical frame, None where it is not known."""
        frame = depths.frame
        given = self._has_poses or frame.map_from_camera is not None
        if given and not self._always_track:
            return frame.map_from_camera
        if self._odometry is None:
            assert frame.intrinsics is not None, 'only frames with a camera are refined'
            self._odometry = Odometry(
                frame.intrinsics,
                max_range_m=self._max_range_m,
                map_from_first=frame.map_from_camera,
            )
        self.tracked = True
        return self._odometry.track(frame.rgb_HW3, depths.refined_m_HW).map_from_camera


def run(
    location: str,
    model: ModelSettings,
    tsdf: TsdfSettings,
    out: Path,
    *,
    frames: int,
    every: int,
    odometry: bool,
    scene: Path | None,
    json: Path | None,
    strict: bool,
) -> None:
    """Refine, locate and fuse every frame; write mesh, report and summary."""
    source = open_source(location, log=note)
    refiner = DepthRefiner.from_settings(model)
    volume = new_volume(tsdf)
    poses = Poses(source, tsdf.max_range_m, always_track=odometry)
    total = count_taken(len(source), every=every, limit=frames)
    shown = Spread(total, SHOWN_FRAMES)
    progress = Progress(lost=counter_for(total), judged=Spread(total, TRUE_VIEWS))
    picked = taken(source, every=every, limit=frames)
    with locked_folder(out), SceneRecording(scene) if scene else nullcontext() as recording:
        for index, frame in enumerate(tracked(picked, source.name, total)):
            progress.frames += 1
            fused = _fused(frame, refiner, model, volume, tsdf, poses, progress)
            if isinstance(fused, LostFrame):
                progress.lost.add(fused)
                continue
            if shown.picks(index):
                progress.views.append(fused.view())
            if recording:
                _record(recording, fused, progress.poses[-1])
        check_some_left(progress.lost, progress.frames, f'cannot fuse {source.name}')
        mesh = volume.mesh(min_weight=tsdf.min_weight, min_part_triangles=MIN_PART_TRIANGLES)
        if recording:
            recording.add_mesh(mesh.vertices_m_N3, mesh.triangles_M3, mesh.colors_N3)
        write_ply(out / 'mesh.ply', mesh)
        result = _run(source, refiner, model, tsdf, poses, progress, mesh)
        summary = write_results(out, result)
        if json:
            write_json(json, summary)
    print_summary(summary, out)
    end_run(progress.lost, progress.frames, strict=strict)


def new_volume(tsdf: TsdfSettings) -> TsdfVolume:
    """Return an empty volume."""
    return TsdfVolume(
        tsdf.voxel_m,
        truncation_voxels=tsdf.truncation_voxels,
        min_range_m=tsdf.min_range_m,
        max_range_m=tsdf.max_range_m,
        device=tsdf.device,
    )


def true_mesh_score(mesh: Mesh, source: FrameSource, views: list[TrueView]) -> MeshScore | None:
    """Compare with the true surface where the source knows it, as the simulated camera does."""
    if not isinstance(source, HasMesh) or not views:
        return None
    vertices_m_N3, triangles_M3 = source.mesh()
    truth = Mesh(
        vertices_m_N3=vertices_m_N3,
        triangles_M3=triangles_M3,
        colors_N3=np.full(vertices_m_N3.shape, 128, dtype=np.uint8),
    )
    return compare(mesh, truth, views=views)


def _fused(
    frame: Frame | LostFrame,
    refiner: DepthRefiner,
    model: ModelSettings,
    volume: TsdfVolume,
    tsdf: TsdfSettings,
    poses: Poses,
    progress: Progress,
) -> Depths | LostFrame:
    """Refine, locate and fuse a frame, unless it is lost on the way."""
    if isinstance(frame, LostFrame):
        return frame

    def fuse() -> Depths:
        depths = _refined(refiner, model, frame, progress)
        _fuse(volume, tsdf, poses, depths, progress)
        return depths

    return frame_or_lost(frame.name, fuse)


def _refined(
    refiner: DepthRefiner, model: ModelSettings, frame: Frame, progress: Progress
) -> Depths:
    if frame.intrinsics is None:
        raise FrameError(NO_CAMERA, f'{frame.name} has no camera model; {NO_CAMERA_FIX}')
    started_s = time.perf_counter()
    depths = infer(refiner, model, frame)
    progress.latency_ms.append(1e3 * (time.perf_counter() - started_s))
    for stage, ms in depths.timings_ms.items():
        progress.stages_ms.setdefault(stage, []).append(ms)
    progress.comparison.add(depths.errors())
    return depths


def _fuse(
    volume: TsdfVolume, tsdf: TsdfSettings, poses: Poses, depths: Depths, progress: Progress
) -> None:
    """
    Fuse a frame.

    :raises FrameError: if its pose is unknown
    """
    started_s = time.perf_counter()
    pose = poses.of(depths)
    progress.time('pose', started_s)
    frame = depths.frame
    if pose is None or frame.intrinsics is None:
        raise FrameError(NO_POSE, f'{frame.name} has no pose; {NO_POSE_FIX}')
    started_s = time.perf_counter()
    volume.integrate(
        depths.refined_m_HW,
        frame.rgb_HW3,
        frame.intrinsics,
        pose,
        confidence_HW=depths.confidence_HW,
        min_confidence=tsdf.min_confidence,
        reject_HW=_flying(depths.refined_m_HW, tsdf.edge_filter),
    )
    progress.time('fuse', started_s)
    progress.stamps_ns.append(frame.stamp_ns)
    progress.poses.append(pose)
    if frame.depth_m_HW is not None and progress.judged.picks(progress.frames - 1):
        progress.true_views.append(
            TrueView(
                depth_m_HW=frame.depth_m_HW, map_from_camera=pose, intrinsics=frame.intrinsics
            )
        )


def _record(recording: SceneRecording, depths: Depths, map_from_camera: np.ndarray) -> None:
    frame = depths.frame
    assert frame.intrinsics is not None, 'what was fused has intrinsics'
    recording.add_frame(
        frame.stamp_ns,
        frame.rgb_HW3,
        encoded_depth(depths.refined_m_HW, MILLIMETRES),
        frame.intrinsics,
        map_from_camera,
    )


def _flying(depth_m_HW: np.ndarray, edge_filter: EdgeFilterSettings) -> np.ndarray | None:
    if not edge_filter.enable:
        return None
    mask_B1HW = flying_pixels(
        depth_batch(depth_m_HW), rel_jump=edge_filter.rel_jump, dilate_px=edge_filter.dilate_px
    )
    return np.asarray(mask_B1HW[0, 0])


def _run(
    source: FrameSource,
    refiner: DepthRefiner,
    model: ModelSettings,
    tsdf: TsdfSettings,
    poses: Poses,
    progress: Progress,
    mesh: Mesh,
) -> Run:
    busy_s = sum(progress.latency_ms) / 1e3
    trajectory = Trajectory(
        stamps_ns_N=np.array(progress.stamps_ns, dtype=np.int64),
        map_from_camera_N44=np.array(progress.poses).reshape(-1, 4, 4),
    )
    where = 'RGB-D odometry' if poses.tracked else 'the source'
    return Run(
        title='Fused sequence',
        subtitle=f'{source.name}: prior {model.prior}, refiner '
        f'{model.refiner}, poses from {where}',
        frames_in=progress.frames,
        frames_out=len(progress.poses),
        dropped=dropped(progress.lost),
        fps=len(progress.latency_ms) / busy_s if busy_s else None,
        latency_ms=progress.latency_ms,
        stage_ms={name: statistics.median(ms) for name, ms in progress.stages_ms.items()},
        comparison=progress.comparison,
        views=progress.views,
        mesh=mesh,
        mesh_score=true_mesh_score(mesh, source, progress.true_views),
        trajectory=trajectory,
        facts={f'bundle {index}': line for index, line in enumerate(refiner.describe(), 1)},
        settings={'model': values(model), 'tsdf': values(tsdf)},
        notes=progress.lost.lines,
    )
