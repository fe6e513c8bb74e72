# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What a demo's nodes made, compared with the simulation and written to its folder.

Imported while the nodes work: that takes as long as a few frames, and they start without it.
"""

from dataclasses import dataclass, replace
from typing import Any

from depth_refiner_ros.apps.console import tracked
from depth_refiner_ros.apps.fuse import true_mesh_score
from depth_refiner_ros.apps.inference import infer
from depth_refiner_ros.apps.results import Run, write_results
from depth_refiner_ros.apps.scoring import Comparison, frame_errors
from depth_refiner_ros.apps.spread import spread_indices
from depth_refiner_ros.demo.choices import Demo
from depth_refiner_ros.demo.collected import DEPTH
from depth_refiner_ros.demo.counts import dropped, notes, stages
from depth_refiner_ros.demo.graph import Graph, Outcome
from depth_refiner_ros.mapping.mesh_io import read_ply
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.trajectory import Trajectory
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import View
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.settings.options import values
from depth_refiner_ros.sources.frame import Frame
from depth_refiner_ros.sources.simulated import SimulatedSource
import numpy as np

SHOWN_FRAMES = 3
NOT_FUSED = (
    'No frame was fused: the last one was sent before refiner and fusion were '
    'connected; increase --frames.'
)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The frames of a run compared with the truth."""

    comparison: Comparison
    views: list[View]
    true_views: list[PosedDepth]
    trajectory: Trajectory
    networks: list[str]


def judged_results(demo: Demo, graph: Graph, outcome: Outcome) -> dict[str, Any]:
    """Judge the demo, write its folder and return the summary."""
    source = SimulatedSource(demo.seed, demo.frames, rate_hz=demo.rate_hz)
    judged = judge(source, outcome, demo.model)
    # A live graph may still be connecting when few frames have passed; in lock-step it may not.
    mesh = read_ply(graph.mesh_file) if graph.mesh_file.exists() or not demo.live else None
    pace = f'live at {demo.rate_hz:g} Hz' if demo.live else 'in lock-step'
    refiner = outcome.diagnostics['refiner']
    return write_results(
        graph.out,
        Run(
            title='Demo: one camera as a depth sensor',
            subtitle=f'{demo.frames} frames of held-out room {demo.seed}, {pace}; prior '
            f'{demo.model.prior}, refiner {demo.model.refiner}',
            frames_in=demo.frames,
            frames_out=outcome.collected.count(DEPTH),
            dropped=dropped(demo.frames, outcome),
            fps=outcome.collected.fps(),
            latency_ms=outcome.collected.latency_ms(),
            stage_ms=stages(refiner),
            comparison=judged.comparison,
            views=judged.views,
            mesh=mesh,
            mesh_score=None if mesh is None else true_mesh_score(mesh, source, judged.true_views),
            trajectory=judged.trajectory,
            simulated=True,
            networks=judged.networks,
            facts={
                'graph': 'player -> refiner -> tsdf as processes over DDS, collector beside them'
            },
            notes=[*notes(outcome), *([NOT_FUSED] if mesh is None else [])],
            settings={
                'refiner': values(graph.refiner),
                'tsdf': values(graph.tsdf),
                'player': values(graph.player),
            },
        ),
    )


def judge(source: SimulatedSource, outcome: Outcome, model: ModelSettings) -> Judged:
    """Render the frames again and compare what arrived, and the prior alone, with the truth."""
    prior = DepthRefiner.from_settings(replace(model, refiner='none'))
    comparison, views, true_views = Comparison(), [], []
    shown = set(spread_indices(len(source), SHOWN_FRAMES))
    frames: list[Frame] = []
    for index, frame in enumerate(tracked(source, 'comparing', len(source))):
        frames.append(replace(frame, rgb_HW3=frame.rgb_HW3[:0]))
        true_views.append(_true_view(frame))
        if frame.depth_m_HW is None or not outcome.collected.has(DEPTH, frame.stamp_ns):
            continue
        depth_m_HW = outcome.collected.map_HW(DEPTH, frame.stamp_ns)
        prior_m_HW = infer(prior, model, frame).prior_m_HW
        comparison.add(frame_errors(prior_m_HW, depth_m_HW, frame.depth_m_HW))
        if index in shown:
            views.append(_view(frame, prior_m_HW, depth_m_HW))
    return Judged(
        comparison=comparison,
        views=views,
        true_views=true_views,
        networks=DepthRefiner.from_settings(model).describe(),
        trajectory=_trajectory(frames),
    )


def _true_view(frame: Frame) -> PosedDepth:
    assert frame.depth_m_HW is not None
    assert frame.intrinsics is not None
    assert frame.map_from_camera is not None
    return PosedDepth(
        depth_m_HW=frame.depth_m_HW,
        intrinsics=frame.intrinsics,
        map_from_camera=frame.map_from_camera,
    )


def _view(frame: Frame, prior_m_HW: np.ndarray, depth_m_HW: np.ndarray) -> View:
    return View(
        rgb_HW3=frame.rgb_HW3,
        prior_m_HW=prior_m_HW,
        refined_m_HW=depth_m_HW,
        truth_m_HW=frame.depth_m_HW,
    )


def _trajectory(frames: list[Frame]) -> Trajectory:
    return Trajectory(
        stamps_ns_N=np.array([frame.stamp_ns for frame in frames], dtype=np.int64),
        map_from_camera_N44=np.array([frame.map_from_camera for frame in frames]),
    )
