# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""A colored triangle mesh and its clean-up."""

from dataclasses import dataclass

from depth_refiner_ros.core.errors import MappingError
import numpy as np


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """
    Triangles in the map frame.

    :param vertices_m_N3: float32 positions
    :param triangles_M3: int32 vertex indices
    :param colors_N3: uint8 red green blue of the vertices
    :raises MappingError: if shapes do not fit or an index points outside
    """

    vertices_m_N3: np.ndarray
    triangles_M3: np.ndarray
    colors_N3: np.ndarray

    def __post_init__(self) -> None:
        shapes = (self.vertices_m_N3.shape, self.triangles_M3.shape, self.colors_N3.shape)
        columns = all(len(shape) == 2 and shape[1] == 3 for shape in shapes)
        if not columns or len(self.vertices_m_N3) != len(self.colors_N3):
            raise MappingError(
                f'mesh of vertices {shapes[0]}, triangles {shapes[1]} and colors '
                f'{shapes[2]}: need N x 3, M x 3 and N x 3'
            )
        indices = self.triangles_M3
        if indices.size and not 0 <= indices.min() <= indices.max() < len(self.vertices_m_N3):
            raise MappingError(
                f'a triangle refers to vertex {indices.max()} of a mesh with '
                f'{len(self.vertices_m_N3)} vertices'
            )

    def with_triangles(self, keep_M: np.ndarray) -> 'Mesh':
        """Return the mesh of some triangles, with only the vertices that they use."""
        kept = self.triangles_M3[keep_M]
        used, renumbered = np.unique(kept, return_inverse=True)
        return Mesh(
            vertices_m_N3=self.vertices_m_N3[used],
            colors_N3=self.colors_N3[used],
            triangles_M3=renumbered.reshape(-1, 3).astype(np.int32),
        )

    def without_small_parts(self, min_triangles: int) -> 'Mesh':
        """Return the mesh without connected parts of fewer triangles, which are noise."""
        if min_triangles <= 1 or not len(self.triangles_M3):
            return self
        part_M = self._part_of_triangles()
        return self.with_triangles(np.bincount(part_M)[part_M] >= min_triangles)

    def _part_of_triangles(self) -> np.ndarray:
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        first, second, third = self.triangles_M3.T
        rows, columns = np.concatenate([first, second]), np.concatenate([second, third])
        count = len(self.vertices_m_N3)
        edges = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
        _, part_N = connected_components(edges, directed=False)
        return part_N[first]
