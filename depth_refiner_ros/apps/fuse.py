# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner fuse``."""

from contextlib import nullcontext
from pathlib import Path

from depth_refiner_ros.apps.closing_lines import print_summary
from depth_refiner_ros.apps.console import note, tracked, write_json
from depth_refiner_ros.apps.fusion import Fusion, Poses
from depth_refiner_ros.apps.inference import AssumedCamera, Depths
from depth_refiner_ros.apps.lost_frames import (
    check_some_left,
    counter_for,
    dropped,
    end_run,
    naming_lost,
)
from depth_refiner_ros.apps.output_names import MESH_FILE, RESULT_FILES
from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.apps.results import Run, write_results
from depth_refiner_ros.apps.spread import count_taken, Spread, taken
from depth_refiner_ros.core.run_folder import run_folder
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_io import write_ply
from depth_refiner_ros.mapping.mesh_metrics import compare, MeshScore
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.recording import encoded_depth, MILLIMETRES
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.scene import SceneRecording
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame import FrameSource, HasMesh
from depth_refiner_ros.sources.lost_frames import LostFrame
from depth_refiner_ros.sources.registry import open_source
import numpy as np

SHOWN_FRAMES = 3
TRUE_VIEWS = 60
"""Number of evenly spread frames that decide which part of the true surface was in view."""
MIN_PART_TRIANGLES = 50
"""Connected parts with fewer triangles are removed as fragments."""


def run(
    location: str,
    model: ModelSettings,
    tsdf: TsdfSettings,
    recording: RecordingSettings,
    out: Path,
    *,
    frames: int,
    every: int,
    odometry: bool,
    volume: Path | None,
    scene: Path | None,
    json: Path | None,
    strict: bool,
) -> None:
    """Refine, locate and fuse every frame; write mesh, report and summary."""
    check_apart(out, [location])
    source = open_source(location, recording=recording.bag_options(), log=note)
    with_camera = AssumedCamera(recording.assume_fov_deg)
    refiner = DepthRefiner.from_settings(model)
    poses = Poses(source, tsdf.max_range_m, always_track=odometry)
    total = count_taken(len(source), every=every, limit=frames)
    fusion = Fusion(
        refiner,
        model,
        tsdf,
        poses,
        judged=Spread(total, TRUE_VIEWS),
        fuse_own_depth=not isinstance(source, HasMesh),
    )
    if volume:
        note(fusion.mapper.go_on(volume))
    fused = fusion.fused
    shown, views = Spread(total, SHOWN_FRAMES), []
    frames_in, lost = 0, counter_for(total)
    picked = taken(source, every=every, limit=frames)
    with (
        run_folder(out, RESULT_FILES) as folder,
        SceneRecording(scene) if scene else nullcontext() as scene_file,
    ):
        for index, frame in enumerate(tracked(picked, source.name, total)):
            frames_in += 1
            seen = frame if isinstance(frame, LostFrame) else with_camera(frame)
            depths = fusion.add(index, seen)
            if isinstance(depths, LostFrame):
                lost.add(depths)
                continue
            if shown.picks(index):
                views.append(depths.view())
            if scene_file:
                _record(scene_file, depths, fused.poses[-1])
        check_some_left(lost, frames_in, f'cannot fuse {source.name}')
        with naming_lost(lost, frames_in):
            mesh = fusion.mapper.mesh(tsdf, min_part_triangles=MIN_PART_TRIANGLES)
        if scene_file:
            scene_file.add_mesh(mesh.vertices_m_N3, mesh.triangles_M3, mesh.colors_N3)
        write_ply(folder.file(MESH_FILE), mesh)
        if volume:
            fusion.mapper.volume.write(volume)
        where = 'RGB-D odometry' if poses.tracked else 'the source'
        result = Run(
            title='Fused sequence',
            subtitle=f'{source.name}: prior {model.prior}, refiner {model.refiner}, poses from '
            f'{where}',
            frames_in=frames_in,
            dropped=dropped(lost),
            views=views,
            mesh=mesh,
            mesh_score=_mesh_score(mesh, source, fusion),
            facts={f'bundle {index}': line for index, line in enumerate(refiner.describe(), 1)},
            settings={'model': values(model), 'tsdf': values(tsdf)},
            notes=lost.lines,
            frames_out=len(fused.poses),
            fps=fused.fps,
            latency_ms=fused.latency_ms,
            stage_ms=fused.median_stages_ms,
            comparison=fused.comparison,
            trajectory=fused.trajectory,
            temporal_error=fused.steadiness.result(),
        )
        summary = write_results(folder, result)
        if json:
            write_json(json, summary)
    print_summary(summary, out)
    end_run(lost, frames_in, strict=strict)


def _mesh_score(mesh: Mesh, source: FrameSource, fusion: Fusion) -> MeshScore | None:
    """Compare with the source's surface, or else with the mesh of its own depth."""
    if isinstance(source, HasMesh) or fusion.own_depth is None:
        return true_mesh_score(mesh, source, fusion.fused.true_views)
    truth = fusion.own_depth.mesh(min_part_triangles=MIN_PART_TRIANGLES)
    return compare(mesh, truth, views=fusion.fused.true_views)


def true_mesh_score(mesh: Mesh, source: FrameSource, views: list[PosedDepth]) -> MeshScore | None:
    """Compare with the true surface if the source knows it, as the simulated camera does."""
    truth = true_mesh(source)
    return compare(mesh, truth, views=views) if truth is not None and views else None


def true_mesh(source: FrameSource) -> Mesh | None:
    """Return the true surface, None if the source does not know it."""
    if not isinstance(source, HasMesh):
        return None
    vertices_m_N3, triangles_M3 = source.mesh()
    return Mesh(
        vertices_m_N3=vertices_m_N3,
        triangles_M3=triangles_M3,
        colors_N3=np.full(vertices_m_N3.shape, 128, dtype=np.uint8),
    )


def _record(recording: SceneRecording, depths: Depths, map_from_camera: np.ndarray) -> None:
    frame = depths.frame
    assert frame.intrinsics is not None, 'every fused frame has intrinsics'
    recording.add_frame(
        frame.stamp_ns,
        frame.rgb_HW3,
        encoded_depth(depths.refined_m_HW, MILLIMETRES),
        frame.intrinsics,
        map_from_camera,
    )
