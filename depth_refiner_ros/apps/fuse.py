# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The work of ``depth-refiner fuse``."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from depth_refiner_ros.apps.closing_lines import print_summary
from depth_refiner_ros.apps.console import note, write_json
from depth_refiner_ros.apps.fuse_pass import FusePass, MIN_PART_TRIANGLES
from depth_refiner_ros.apps.fusion import Fusion
from depth_refiner_ros.apps.inference import depth_named
from depth_refiner_ros.apps.lost_frames import counter_for, dropped, end_run
from depth_refiner_ros.apps.opening_lines import note_networks, note_unused_depth
from depth_refiner_ros.apps.output_names import MESH_FILE, RESULT_FILES
from depth_refiner_ros.apps.output_place import check_apart
from depth_refiner_ros.apps.poses import FirstPoses
from depth_refiner_ros.apps.results import Run, write_results
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.core.output_lock import locked_file
from depth_refiner_ros.core.run_folder import run_folder
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_io import write_ply
from depth_refiner_ros.mapping.mesh_metrics import compare, MeshScore
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.odometry import OdometrySettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.settings.recordings import RecordingSettings
from depth_refiner_ros.sources.frame import FrameSource, HasMesh
from depth_refiner_ros.sources.lost_frames import LostFrames
from depth_refiner_ros.sources.registry import open_source
import numpy as np


def run(
    location: str,
    model: ModelSettings,
    tsdf: TsdfSettings,
    recording: RecordingSettings,
    out: Path,
    *,
    frames: int,
    every: int,
    odometry: OdometrySettings,
    always_track: bool,
    volume: Path | None,
    scene: Path | None,
    prior_given: bool,
    json: Path | None,
    strict: bool,
) -> None:
    """Refine, locate and fuse every frame; write mesh, report and summary."""
    check_apart(out, [location])
    source = open_source(location, recording=recording.bag_options(), log=note)
    refiner = DepthRefiner.from_settings(model)
    poses = FirstPoses(source, tsdf, odometry, depth=depth_named(model), always_track=always_track)
    fuse_pass = FusePass(
        source=source,
        refiner=refiner,
        model=model,
        tsdf=tsdf,
        assume_fov_deg=recording.assume_fov_deg,
        every=every,
        limit=frames,
        volume=volume,
        scene=scene,
    )
    lost = counter_for(fuse_pass.total)
    with _held(volume), run_folder(out, RESULT_FILES) as folder:
        note_networks(refiner.describe())
        note_unused_depth(source, model, prior_given=prior_given)
        passed = fuse_pass.run(poses, lost)
        # Those of the first pass, because in a second one poses cost nothing.
        stages_ms = passed.fusion.fused.median_stages_ms
        if (better := poses.corrected()) is not None:
            # Refining once more takes time, but keeping every depth map would take gigabytes.
            passed.fusion.mapper.reset()
            passed = fuse_pass.run(better, lost := LostFrames(None))
        mesh, fused = passed.mesh, passed.fusion.fused
        write_ply(folder.file(MESH_FILE), mesh)
        mesh_score, why_none = _mesh_score(mesh, source, passed.fusion)
        result = Run(
            title='Fused sequence',
            subtitle=f'{source.name}: prior {model.prior}, refiner {model.refiner}, poses from '
            f'{poses.origin}',
            frames_in=passed.frames_in,
            dropped=dropped(lost),
            views=passed.views,
            mesh=mesh,
            mesh_score=mesh_score,
            simulated=isinstance(source, HasMesh),
            networks=refiner.describe(),
            facts=poses.facts(),
            settings={'model': values(model), 'tsdf': values(tsdf), 'odometry': values(odometry)},
            notes=[*passed.fusion.mapper.about, *why_none, *lost.lines],
            frames_out=len(fused.poses),
            fps=fused.fps,
            latency_ms=fused.latency_ms,
            stage_ms=stages_ms,
            comparison=fused.comparison,
            trajectory=fused.trajectory,
            trajectory_error=fused.trajectory_error if poses.tracked else None,
            temporal_error=fused.steadiness.result(),
        )
        summary = write_results(folder, result)
        if json:
            write_json(json, summary)
        if volume:
            # Last, so that a run that was ended before has left nothing and can be repeated.
            passed.fusion.mapper.keep(volume)
    print_summary(summary, out)
    end_run(lost, passed.frames_in, strict=strict)


def _held(volume: Path | None) -> AbstractContextManager[None]:
    """Hold the file from reading to writing: of two runs that add to it, one would be lost."""
    return locked_file(volume) if volume else nullcontext()


def _mesh_score(
    mesh: Mesh, source: FrameSource, fusion: Fusion
) -> tuple[MeshScore | None, list[str]]:
    """
    Compare with the source's surface, or else with the mesh of its own depth.

    A map that goes on from a file holds more than this source saw, and is not compared.

    :return: the score, and a line if the surfaces cannot be compared
    """
    if fusion.mapper.kept_in is not None:
        return None, []
    try:
        truth = fusion.own_mesh(min_part_triangles=MIN_PART_TRIANGLES)
        if truth is None:
            return true_mesh_score(mesh, source, fusion.fused.true_views), []
        return compare(mesh, truth, views=fusion.fused.true_views), []
    except MappingError as error:
        line = f'the mesh is not compared with the true depth of {source.name}: {error}'
        note(line)
        return None, [line]


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
