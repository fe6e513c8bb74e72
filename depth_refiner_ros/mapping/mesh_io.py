# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Read and write meshes as PLY files: binary, little endian, colored."""

from pathlib import Path

from depth_refiner_ros.core.atomic import write_atomic
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.ply_format import FACE, header, packed_vertices
import numpy as np
import open3d as o3d


def write_ply(path: Path, mesh: Mesh) -> None:
    """
    Write a mesh atomically.

    :raises OutputError: if it cannot be written; an older file stays
    """
    vertices = packed_vertices(mesh.vertices_m_N3, mesh.colors_N3)
    faces = np.empty(len(mesh.triangles_M3), dtype=FACE)
    faces['count'] = 3
    faces['indices'] = mesh.triangles_M3
    write_atomic(
        Path(path), (header('map', len(vertices), len(faces)), vertices.tobytes(), faces.tobytes())
    )


def read_ply(path: Path) -> Mesh:
    """
    Read a mesh; one without colors is grey.

    :raises MappingError: if the file is missing or holds no triangles
    """
    path = Path(path)
    if not path.is_file():
        raise MappingError(f'no mesh file {path}')
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        surface = o3d.io.read_triangle_mesh(path)
    triangles_M3 = np.asarray(surface.triangles, dtype=np.int32)
    if not len(triangles_M3):
        raise MappingError(f'{path} contains no triangles; it is truncated or not a mesh')
    vertices_m_N3 = np.asarray(surface.vertices, dtype=np.float32)
    colors_N3 = np.full(vertices_m_N3.shape, 128, dtype=np.uint8)
    if surface.has_vertex_colors():
        colors_N3 = np.rint(np.asarray(surface.vertex_colors) * 255.0).astype(np.uint8)
    return Mesh(vertices_m_N3=vertices_m_N3, triangles_M3=triangles_M3, colors_N3=colors_N3)
