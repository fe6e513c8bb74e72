# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder that ``demo`` and ``fuse`` leave: report, panel, mesh, trajectory, summary."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from depth_refiner_ros.apps.console import plain, write_json
from depth_refiner_ros.apps.hardware import machine_facts
from depth_refiner_ros.apps.scoring import Comparison
from depth_refiner_ros.core.atomic import write_text
from depth_refiner_ros.core.run_folder import RunFolder
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_metrics import MeshScore
from depth_refiner_ros.mapping.trajectory import Trajectory, write_tum
from depth_refiner_ros.mapping.trajectory_error import TrajectoryError
from depth_refiner_ros.report.closeup import closeup
from depth_refiner_ros.report.html import Figure, render, Report
from depth_refiner_ros.report.mesh_views import best_views, MeshPainter, up_of_cameras
from depth_refiner_ros.report.panels import sheet, View, write_png
from depth_refiner_ros.report.plots import latency_plot, stage_bars
import numpy as np

NO_DEPTH = {'prior': None, 'refined': None}
TRUE_DEPTHS = {
    True: 'the exact depth of the simulation',
    False: 'the depth of the recording, as it was measured',
}
TRUE_SURFACES = {
    True: 'the exact surface of the simulated room',
    False: "the mesh of the recording's own depth, from the same poses and options",
}
"""What depth and mesh are compared with, by whether the source is simulated."""


@dataclass(kw_only=True)
class Run:
    """
    What a run produced.

    :param title: heading of the report
    :param subtitle: one line: source, prior, refiner
    :param frames_in: frames that the source sent
    :param frames_out: depth maps that arrived
    :param dropped: reason to number of frames
    :param fps: depth maps per second
    :param latency_ms: of each frame, image in to depth out
    :param stage_ms: stage to median milliseconds
    :param comparison: errors against ground truth; without frames where there is none
    :param views: rows of the panel
    :param mesh: the reconstruction, None if there is none
    :param mesh_score: its distance to the true surface, None if that is unknown
    :param trajectory: poses of the camera, None if unknown
    :param trajectory_error: its distance to true poses, None where it is not compared
    :param temporal_error: of the prior, refined and fused depth, from frame to frame in percent
    :param simulated: depth and surface of the source are exact; those of a recording are what
        its sensor measured
    :param networks: lines on the bundles, where and how they ran
    :param facts: more of what ran, for the report
    :param settings: group name to option names and values
    :param notes: remarks for the reader
    """

    title: str
    subtitle: str
    frames_in: int
    frames_out: int
    dropped: dict[str, int]
    fps: float | None
    latency_ms: Sequence[float]
    stage_ms: Mapping[str, float]
    comparison: Comparison
    views: Sequence[View]
    mesh: Mesh | None
    mesh_score: MeshScore | None
    trajectory: Trajectory | None
    simulated: bool
    networks: list[str]
    trajectory_error: TrajectoryError | None = None
    temporal_error: Mapping[str, float | None] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def summary(self) -> dict[str, Any]:
        """Return the content of ``summary.json``."""
        scores = self.comparison.result()
        measured = self.comparison.frames > 0
        return plain(
            {
                'frames_in': self.frames_in,
                'frames_out': self.frames_out,
                'dropped': self.dropped,
                'fps': self.fps,
                'latency_ms': quantiles(self.latency_ms),
                'stage_ms': self.stage_ms,
                'depth': {name: scores[name] if measured else None for name in NO_DEPTH},
                'depth_spread': {
                    name: scores['std'][name] if measured else None for name in NO_DEPTH
                },
                'temporal_error_percent': dict(self.temporal_error) or None,
                'mesh': self._mesh_summary(),
                'trajectory': asdict(self.trajectory_error) if self.trajectory_error else None,
            }
        )

    def _mesh_summary(self) -> dict[str, Any]:
        mesh, score = self.mesh, self.mesh_score
        return {
            'vertices': len(mesh.vertices_m_N3) if mesh else 0,
            'triangles': len(mesh.triangles_M3) if mesh else 0,
            'accuracy_mm': score.accuracy_mm if score else None,
            'accuracy_mean_mm': score.accuracy_mean_mm if score else None,
            'completeness_mm': score.completeness_mm if score else None,
            'completeness_mean_mm': score.completeness_mean_mm if score else None,
            'f_score_5cm': score.f_score if score else None,
            'compared_with': TRUE_SURFACES[self.simulated] if score else None,
        }


def write_results(folder: RunFolder, run: Run) -> dict[str, Any]:
    """
    Write everything but the mesh, which the caller has already written.

    :return: the summary
    :raises DepthRefinerError: if a file cannot be written
    """
    summary = run.summary()
    rows = [row for view in run.views for row in (view, closeup(view))]
    panel = sheet(rows) if rows else None
    if panel is not None:
        write_png(folder.file('panel.png'), panel)
    if run.trajectory is not None:
        write_tum(folder.file('trajectory.txt'), run.trajectory)
    mesh_views = paint_mesh(run.mesh, run.trajectory)
    for name, rgb_HW3 in mesh_views.items():
        write_png(folder.file(f'mesh_{name.replace(" ", "_")}.png'), rgb_HW3)
    write_text(folder.file('report.html'), render(_report(run, summary, panel, mesh_views)))
    write_json(folder.file('summary.json'), summary)
    return summary


def paint_mesh(mesh: Mesh | None, trajectory: Trajectory | None) -> dict[str, np.ndarray]:
    """Return pictures of a mesh, by name, from the sides that show most of it."""
    if mesh is None:
        return {}
    poses_N44 = np.empty((0, 4, 4)) if trajectory is None else trajectory.map_from_camera_N44
    painter = MeshPainter(mesh.vertices_m_N3, mesh.triangles_M3, mesh.colors_N3)
    cameras = best_views(painter, mesh.vertices_m_N3, up_of_cameras(poses_N44), poses_N44)
    return {camera.name: painter.paint(camera) for camera in cameras}


def quantiles(values_ms: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p95 and p99, None without values."""
    return {
        f'p{percent}': float(np.percentile(values_ms, percent)) if len(values_ms) else None
        for percent in (50, 95, 99)
    }


def _report(
    run: Run,
    summary: Mapping[str, Any],
    panel: np.ndarray | None,
    mesh_views: Mapping[str, np.ndarray],
) -> Report:
    plots = [
        Figure(
            caption='Latency of each frame, image in to depth out.',
            picture=latency_plot(run.latency_ms),
        )
    ]
    if run.stage_ms:
        plots.append(
            Figure(caption='Median time of each stage.', picture=stage_bars(run.stage_ms))
        )
    panels = (
        []
        if panel is None
        else [
            Figure(
                caption='Near is red, far is blue, unknown is grey; differences are relative to '
                'the prior, errors to the true depth. Single points, as of a lidar, are drawn '
                'larger. Close-ups show where refinement changed most.',
                picture=panel,
            )
        ]
    )
    return Report(
        title=run.title,
        subtitle=run.subtitle,
        summary=summary,
        facts={'networks': run.networks, **run.facts, **machine_facts()},
        true_depth=TRUE_DEPTHS[run.simulated],
        settings=run.settings,
        panels=panels,
        plots=plots,
        notes=run.notes,
        mesh_views=[Figure(caption=name, picture=rgb_HW3) for name, rgb_HW3 in mesh_views.items()],
    )
