# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fuse posed depth as the options of fusion say."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.core.messages import counted
from depth_refiner_ros.core.neighbours import flying_mask
from depth_refiner_ros.core.places import exists
from depth_refiner_ros.mapping.distance import DistanceMap, SeenSpace
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.pixel_weights import pixel_weights
from depth_refiner_ros.mapping.pose_scale import PoseScale
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import checked_pose
from depth_refiner_ros.mapping.surface_bias import SPREAD_OF_ERROR
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.mapping.unkept_frames import UnkeptFrames
from depth_refiner_ros.settings.fusion import EdgeFilterSettings, TsdfSettings
import numpy as np

MOST_TRUNCATION_SHARE = 0.1
"""Of the depth: depth that disagrees more averages to nothing."""


class Mapper:
    """
    A volume, and what is done to depth before it goes in.

    :param settings: of the volume; those that may change while it grows are given per frame
    :param distances: also keep what :meth:`distance_m` needs
    """

    def __init__(self, settings: TsdfSettings, *, distances: bool = False) -> None:
        self.volume = TsdfVolume(
            settings.voxel_m,
            truncation_voxels=settings.truncation_voxels,
            min_range_m=settings.min_range_m,
            max_range_m=settings.max_range_m,
            device=settings.device,
        )
        self._scale = PoseScale()
        # Also without distances, so that what a file knows of it is written again.
        self._seen = SeenSpace(self.volume.block_m)
        self._distances = DistanceMap(self.volume, self._seen) if distances else None
        self.kept_in: Path | None = None
        """The file that the map goes on from, if any."""
        self.about: list[str] = []
        """Remarks for the reader of a report."""
        self._unkept: UnkeptFrames | None = None

    def go_on(self, path: Path) -> str:
        """
        Read the volume that a file keeps, if there is one.

        :return: a line about it
        :raises MappingError: if the file is not a volume of these sizes
        :raises InputError: if its folder may not be entered
        """
        self.volume.check_keepable()  # now, and not when a whole run is to be kept
        if not exists(path):
            return f'{path} does not exist yet, so the map begins empty'
        self._seen.restore(self.volume.read(path))
        self.volume.beside_mb = self._seen.memory_mb
        self.kept_in = path
        line = f'{path}: the map goes on after {counted(self.volume.frames, "frame")}'
        self.about = [f'{line}; it must share its origin with the poses of this run']
        return line

    def keep(self, path: Path) -> None:
        """
        Write the volume, and the space that frames looked through, to one file.

        :raises MappingError: on a GPU
        :raises OutputError: if it cannot be written; an older file stays
        """
        with self.saving(self.volume.frames):
            self.volume.write(path, self._seen.blocks_M3)

    def count_unkept(self, file: Path) -> str:
        """
        Count the frames that a file of this map lacks, on disk, from now on.

        :param file: the volume, which the map goes on from if it is there, or else the mesh
        :return: a line about frames that the run before has lost, '' if none
        """
        self._unkept = UnkeptFrames(file, self.volume.frames)
        line = self._unkept.of_last_run()
        self.about += [line] if line else []
        return line

    @contextmanager
    def saving(self, frames: int) -> Iterator[None]:
        """Write the file of :meth:`count_unkept` in this block, with so many frames."""
        with self._unkept.saving(frames) if self._unkept else nullcontext():
            yield

    def check_origin(self) -> None:
        """
        Raise if the map goes on from a file: poses that are tracked begin anew at each start.

        :raises MappingError: with the fix
        """
        if self.kept_in is not None:
            raise MappingError(
                f'the map of {self.kept_in} has its own origin, which poses that are tracked from '
                'the first frame do not know; use poses of the map, or another volume file'
            )

    def reset(self) -> None:
        """Remove all depth."""
        self.kept_in, self.about = None, []
        self.volume.reset()
        self._scale.reset()
        self._seen.reset()
        self.volume.beside_mb = 0.0
        if self._distances is not None:
            self._distances.reset()
        if self._unkept:
            self._unkept.restart()

    def held(self, view: PosedDepth, settings: TsdfSettings) -> tuple[PosedDepth, float]:
        """
        Return the frame at the scale of the last ones, and the factor that did it.

        The volume is told how far frames disagree, for its truncation and the bias of that.

        :param view: with depth as it was predicted; each frame once, in order
        :raises PoseError: if the pose is not rigid
        """
        checked_pose(view.map_from_camera)
        if not settings.hold_scale:
            self._scale.reset()
            self.volume.truncation_share = self.volume.error_share = 0.0
            return view, 1.0
        held = self._scale.held(view)
        share = settings.truncation_spread * held.spread
        self.volume.truncation_share = min(share, MOST_TRUNCATION_SHARE)
        self.volume.error_share = held.spread / SPREAD_OF_ERROR
        return replace(view, depth_m_HW=view.depth_m_HW * np.float32(held.factor)), held.factor

    def add(
        self,
        view: PosedDepth,
        rgb_HW3: np.ndarray | None,
        confidence_HW: np.ndarray | None,
        settings: TsdfSettings,
    ) -> int:
        """
        Fuse a frame.

        :param view: at the scale that the map is to have
        :return: number of pixels used
        :raises MappingError: as :meth:`~depth_refiner_ros.mapping.tsdf.TsdfVolume.integrate`
        """
        volume, every = self.volume, settings.carve_every
        volume.range_m = (settings.min_range_m, settings.max_range_m)
        weight_HW = None
        if settings.weighting == 'precision':
            weight_HW = pixel_weights(view.depth_m_HW, view.intrinsics, confidence_HW)
        pixels = volume.integrate(
            view.depth_m_HW,
            rgb_HW3,
            view.intrinsics,
            view.map_from_camera,
            confidence_HW=confidence_HW,
            min_confidence=settings.min_confidence,
            reject_HW=_flying(view.depth_m_HW, settings.edge_filter),
            weight_HW=weight_HW,
            carve=every > 0 and volume.frames % every == every - 1,
        )
        if self._distances is not None:
            self._seen.add(
                view,
                confidence_HW,
                min_confidence=settings.min_confidence,
                max_range_m=settings.max_range_m,
                margin_m=volume.truncation_m,
            )
            volume.beside_mb = self._seen.memory_mb
        if self._unkept:
            self._unkept.fused(volume.frames)
        return pixels

    def distance_m(self, points_m_N3: np.ndarray, settings: TsdfSettings) -> np.ndarray:
        """
        Return the distance of each point from the surface, NaN where it is not known.

        :param points_m_N3: in the map frame
        :return: float32, see :class:`~depth_refiner_ros.mapping.distance.DistanceMap`
        :raises MappingError: without a surface, on a GPU, or if the map does not keep distances
        """
        if self._distances is None:
            raise MappingError('this map keeps no distances; make it with distances=True')
        limits = {'min_weight': settings.min_weight, 'min_trust': settings.min_trust}
        return self._distances.of(points_m_N3, **limits)

    def mesh(self, settings: TsdfSettings, *, min_part_triangles: int = 0) -> Mesh:
        """
        Return the surface that was seen often and surely enough.

        :raises MappingError: if there is none, with the reason
        """
        return self.volume.mesh(
            min_weight=settings.min_weight,
            min_trust=settings.min_trust,
            min_part_triangles=min_part_triangles,
        )


def _flying(depth_m_HW: np.ndarray, edge_filter: EdgeFilterSettings) -> np.ndarray | None:
    if not edge_filter.enable:
        return None
    return flying_mask(depth_m_HW, rel_jump=edge_filter.rel_jump, dilate_px=edge_filter.dilate_px)
