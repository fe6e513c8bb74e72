# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Distances from the mapped surface, for planners, and where they are not known."""

from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.blocks import blocks_between, packed, unpacked
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.ray_blocks import OFFSET
from depth_refiner_ros.mapping.tsdf import TsdfVolume
import numpy as np
import open3d as o3d
import open3d.core as o3c

STRIDE_PX = 4
"""Every n-th row and column looks for seen space; blocks are far wider than that."""


class SeenSpace:
    """
    The blocks of space that cameras looked through, which no voxel stands for.

    :param block_m: edge of a block
    """

    def __init__(self, block_m: float) -> None:
        self._block_m = block_m
        # Sorted, 8 bytes a block; a set of tuples takes 240.
        self._keys_M: np.ndarray = np.empty(0, np.int64)

    def add(
        self,
        view: PosedDepth,
        confidence_HW: np.ndarray | None,
        *,
        min_confidence: float,
        max_range_m: float,
        margin_m: float,
    ) -> None:
        """
        Add what a frame looked through: the space from the camera to the surface.

        :param view: +Inf where nothing is in range, NaN where unknown
        :param confidence_HW: pixels below ``min_confidence`` have seen nothing
        :param max_range_m: nothing counts as seen beyond
        :param margin_m: end so far before the surface
        """
        some = np.s_[::STRIDE_PX, ::STRIDE_PX]
        depth_m = np.minimum(view.depth_m_HW[some], max_range_m)
        depth_m = np.where(depth_m > margin_m, depth_m - margin_m, 0.0)
        if confidence_HW is not None:
            depth_m = np.where(confidence_HW[some] >= min_confidence, depth_m, 0.0)
        far_m_HW = np.zeros_like(view.depth_m_HW, dtype=np.float32)
        far_m_HW[some] = depth_m
        blocks_K3 = blocks_between(
            np.zeros_like(far_m_HW),
            far_m_HW,
            view.intrinsics,
            view.map_from_camera,
            block_m=self._block_m,
        )
        keys_K = packed(blocks_K3)
        at_K, new_K = self._missing(keys_K)
        if new_K.any():
            self._keys_M = np.insert(self._keys_M, at_K[new_K], keys_K[new_K])

    def holds(self, points_m_N3: np.ndarray) -> np.ndarray:
        """Return whether each point, in the map frame, lies in a seen block."""
        blocks_N3 = np.floor(points_m_N3 / self._block_m)
        inside_N = (np.abs(blocks_N3) < OFFSET).all(axis=1)
        keys_N = packed(np.where(inside_N[:, None], blocks_N3, 0))
        return inside_N & ~self._missing(keys_N)[1]

    @property
    def blocks_M3(self) -> np.ndarray:
        """Return the seen blocks, int32 of shape (M, 3), in order."""
        return unpacked(self._keys_M).astype(np.int32)

    def restore(self, blocks_M3: np.ndarray) -> None:
        """Know the blocks of an earlier run, and no others."""
        self._keys_M = np.unique(packed(blocks_M3))

    def reset(self) -> None:
        """Forget all of it."""
        self._keys_M = np.empty(0, np.int64)

    @property
    def memory_mb(self) -> float:
        """Return the size of the seen blocks."""
        return self._keys_M.nbytes / 1e6

    def __len__(self) -> int:
        return len(self._keys_M)

    def _missing(self, keys_K: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where each key belongs, and whether it is not there."""
        at_K = np.searchsorted(self._keys_M, keys_K)
        return at_K, at_K == np.searchsorted(self._keys_M, keys_K, 'right')


class SurfaceDistance:
    """
    Euclidean distances from a mesh.

    :param mesh: of the map
    :raises MappingError: if it has no triangle
    """

    def __init__(self, mesh: Mesh) -> None:
        if not len(mesh.triangles_M3):
            raise MappingError('the mesh has no triangle, so nothing has a distance from it')
        self._scene = o3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            o3c.Tensor.from_numpy(np.ascontiguousarray(mesh.vertices_m_N3, np.float32)),
            o3c.Tensor.from_numpy(np.ascontiguousarray(mesh.triangles_M3, np.uint32)),
        )

    def of(self, points_m_N3: np.ndarray) -> np.ndarray:
        """Return the distance of each point in the map frame, float32 metres, 0 or more."""
        points = np.ascontiguousarray(points_m_N3, np.float32)
        if not len(points):
            return np.empty(0, np.float32)
        return self._scene.compute_distance(o3c.Tensor.from_numpy(points)).numpy()


class DistanceMap:
    """
    Distances from the surface of a map, and where they are known: where frames have seen.

    That is voxels which frames observed, as far as the truncation distance behind a surface, and
    elsewhere the space that they looked through. Unknown space may hold another surface, so a
    distance is an upper bound next to it.

    :param volume: asked for its mesh again when it has changed
    :param seen: what its frames looked through
    :raises MappingError: on a GPU
    """

    def __init__(self, volume: TsdfVolume, seen: SeenSpace) -> None:
        volume.observed(np.empty((0, 3)))  # refuses a GPU now, and not when somebody asks
        self._volume, self._seen = volume, seen
        self._surface: SurfaceDistance | None = None
        self._of: tuple[int, float, float] | None = None

    def of(self, points_m_N3: np.ndarray, *, min_weight: float, min_trust: float) -> np.ndarray:
        """
        Return the distance of each point from the mesh, NaN where it is not known.

        :param points_m_N3: in the map frame; NaN and infinite points are unknown
        :return: float32 metres
        :raises MappingError: without a surface
        """
        volume, wanted = self._volume, (self._volume.frames, min_weight, min_trust)
        if self._surface is None or wanted != self._of:
            mesh = volume.mesh(min_weight=min_weight, min_trust=min_trust)
            self._surface, self._of = SurfaceDistance(mesh), wanted
        finite_N = np.isfinite(points_m_N3).all(axis=1)
        points = points_m_N3[finite_N].astype(np.float64)
        stored_N, observed_N = volume.observed(points)
        known_N = np.where(stored_N, observed_N, self._seen.holds(points))
        distance_m_N = np.full(len(points_m_N3), np.nan, np.float32)
        distance_m_N[finite_N] = np.where(known_N, self._surface.of(points), np.nan)
        return distance_m_N

    def reset(self) -> None:
        """Forget the surface, because the volume was emptied."""
        self._surface = None
