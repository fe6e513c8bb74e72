# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""One pass of ``fuse`` over the frames of a source, from images to a mesh."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from depth_refiner_ros.apps.console import note, tracked
from depth_refiner_ros.apps.fusion import Fusion
from depth_refiner_ros.apps.inference import AssumedCamera, Depths
from depth_refiner_ros.apps.lost_frames import check_some_left, naming_lost
from depth_refiner_ros.apps.poses import Poses
from depth_refiner_ros.apps.spread import count_taken, Spread, taken
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.recording import encoded_depth, MILLIMETRES
from depth_refiner_ros.refiner.refiner import DepthRefiner
from depth_refiner_ros.report.panels import View
from depth_refiner_ros.report.scene import SceneRecording
from depth_refiner_ros.settings.fusion import TsdfSettings
from depth_refiner_ros.settings.networks import ModelSettings
from depth_refiner_ros.sources.frame import FrameSource, HasMesh
from depth_refiner_ros.sources.lost_frames import LostFrame, LostFrames
import numpy as np

SHOWN_FRAMES = 3
TRUE_VIEWS = 60
"""Number of evenly spread frames that decide which part of the true surface was in view."""
MIN_PART_TRIANGLES = 50
"""Connected parts with fewer triangles are removed as fragments."""


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What a pass leaves: ``views`` are rows of the panel."""

    fusion: Fusion
    mesh: Mesh
    views: list[View]
    frames_in: int


@dataclass(frozen=True, kw_only=True)
class FusePass:
    """
    The frames and how they are refined and fused; a pass may be repeated with better poses.

    :param limit: at most this many frames; 0 takes all
    :param volume: file of an earlier volume to go on with, None to begin a new one
    :param scene: file for the 3D viewer, None for none
    """

    source: FrameSource
    refiner: DepthRefiner
    model: ModelSettings
    tsdf: TsdfSettings
    assume_fov_deg: float
    every: int
    limit: int
    volume: Path | None
    scene: Path | None

    @property
    def total(self) -> int:
        """Return how many frames are expected."""
        return count_taken(len(self.source), every=self.every, limit=self.limit)

    def run(self, poses: Poses, lost: LostFrames) -> Passed:
        """
        Refine, locate and fuse every frame.

        :param lost: counts the frames that could not be fused
        :raises DepthRefinerError: if all are lost, or no surface is left
        """
        total = self.total
        fusion = Fusion(
            self.refiner,
            self.model,
            self.tsdf,
            poses,
            judged=Spread(total, TRUE_VIEWS),
            fuse_own_depth=not isinstance(self.source, HasMesh),
            distances=self.volume is not None,
        )
        if self.volume:
            note(fusion.mapper.go_on(self.volume))
            if lost_before := fusion.mapper.count_unkept(self.volume):
                note(lost_before)
        with_camera = AssumedCamera(self.assume_fov_deg)
        shown, views, frames_in = Spread(total, SHOWN_FRAMES), [], 0
        picked = taken(self.source, every=self.every, limit=self.limit)
        with SceneRecording(self.scene) if self.scene else nullcontext() as scene_file:
            for index, frame in enumerate(tracked(picked, self.source.name, total)):
                frames_in += 1
                seen = frame if isinstance(frame, LostFrame) else with_camera(frame)
                depths = fusion.add(index, seen)
                if isinstance(depths, LostFrame):
                    lost.add(depths)
                    continue
                if shown.picks(index):
                    views.append(depths.view())
                if scene_file:
                    _record(scene_file, depths, fusion.fused.poses[-1])
            check_some_left(lost, frames_in, f'cannot fuse {self.source.name}')
            with naming_lost(lost, frames_in):
                mesh = fusion.mapper.mesh(self.tsdf, min_part_triangles=MIN_PART_TRIANGLES)
            if scene_file:
                scene_file.add_mesh(mesh.vertices_m_N3, mesh.triangles_M3, mesh.colors_N3)
        return Passed(fusion=fusion, mesh=mesh, views=views, frames_in=frames_in)


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
