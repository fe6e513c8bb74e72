# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Normal, texture coordinates and material at points of the room's triangles."""

from depth_refiner_ros.sources.simulated.render.rays import dot
from depth_refiner_ros.sources.simulated.rooms.materials import Material
from depth_refiner_ros.sources.simulated.rooms.shapes import Mesh
import numpy as np


class Surface:
    """
    Looks up the room's surface at points given by triangle and barycentric coordinates.

    :param mesh: the room's triangles
    :param materials: the room's materials
    """

    def __init__(self, mesh: Mesh, materials: list[Material]) -> None:
        corners_F33 = mesh.vertices_V3[mesh.triangles_F3]
        normals = np.cross(
            corners_F33[:, 1] - corners_F33[:, 0], corners_F33[:, 2] - corners_F33[:, 0]
        )
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        self._flat_normals_3F = np.ascontiguousarray(normals.T)
        corner_normals = mesh.normals_V3[mesh.triangles_F3]
        self._smooth_F = (np.ptp(corner_normals, axis=1) > 1e-4).any(1)
        self._normals_33F = _with_edges(corner_normals)
        self._uv_32F = _with_edges(mesh.uv_V2[mesh.triangles_F3])
        self._material_F = mesh.material_F
        self.gloss = np.array([m.gloss if m.gloss > 0.05 else 0 for m in materials], np.float32)
        self.emission = np.array([m.emission for m in materials], np.float32)
        self.grime = np.array([m.grime for m in materials], np.float32)

    # ndarray.take is three times as fast here as indexing with an array.

    def material(self, triangle_N: np.ndarray) -> np.ndarray:
        """Return the indices of the materials."""
        return self._material_F.take(triangle_N)

    def uv(self, triangle_N: np.ndarray, barycentric_2N: np.ndarray) -> np.ndarray:
        """Return the texture coordinates ``uv_2N`` in metres."""
        return _interpolated(self._uv_32F, triangle_N, barycentric_2N)

    def outward(self, triangle_N: np.ndarray) -> np.ndarray:
        """Return the shading normals ``normals_3N`` of the first corners."""
        return self._normals_33F[0].take(triangle_N, 1)

    def normals(
        self, triangle_N: np.ndarray, barycentric_2N: np.ndarray, to_eye_3N: np.ndarray
    ) -> np.ndarray:
        """Return unit normals on the eye's side, smooth over curved surfaces."""
        normals_3N = self._flat_normals_3F.take(triangle_N, 1)
        hidden_N = dot(normals_3N, to_eye_3N) < 0
        curved = np.flatnonzero(self._smooth_F.take(triangle_N))
        smooth = _interpolated(
            self._normals_33F, triangle_N.take(curved), barycentric_2N.take(curved, 1)
        )
        smooth /= np.maximum(np.sqrt(dot(smooth, smooth)), np.float32(1e-6))
        away = dot(smooth, normals_3N.take(curved, 1)) < 0
        normals_3N[:, curved] = np.where(away, -smooth, smooth)
        np.negative(normals_3N, out=normals_3N, where=hidden_N)
        return normals_3N


def _with_edges(corners_F3k: np.ndarray) -> np.ndarray:
    """Return value at the first corner and its change to the other two, as (3, k, F)."""
    first = corners_F3k[:, 0]
    return np.ascontiguousarray(
        np.stack([first, corners_F3k[:, 1] - first, corners_F3k[:, 2] - first]).transpose(0, 2, 1),
        np.float32,
    )


def _interpolated(
    table_3kF: np.ndarray, triangle_N: np.ndarray, barycentric_2N: np.ndarray
) -> np.ndarray:
    """Return the values at the points, (k, N)."""
    first, change_u, change_v = (corner.take(triangle_N, 1) for corner in table_3kF)
    change_u *= barycentric_2N[0]
    change_v *= barycentric_2N[1]
    first += change_u
    first += change_v
    return first
