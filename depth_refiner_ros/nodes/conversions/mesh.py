# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Convert meshes to markers for RViz."""

from depth_refiner_ros.mapping.mesh import Mesh
from geometry_msgs.msg import Point
import numpy as np
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker

NAMESPACE = 'mesh'


def marker_from_mesh(header: Header, mesh: Mesh, number: int) -> Marker:
    """
    Return a TRIANGLE_LIST, with three points and colors per triangle.

    :param number: which part of the whole mesh this is; it replaces the one before
    """
    marker = Marker(header=header, ns=NAMESPACE, id=number)
    marker.type, marker.action = Marker.TRIANGLE_LIST, Marker.ADD
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = 1.0
    marker.color.a = 1.0
    # Corners share their messages, which needs a third of the objects.
    points = [Point(x=x, y=y, z=z) for x, y, z in mesh.vertices_m_N3.astype(float).tolist()]
    colors = [ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in (mesh.colors_N3 / 255.0).tolist()]
    corners = mesh.triangles_M3.ravel().tolist()
    marker.points = [points[corner] for corner in corners]
    marker.colors = [colors[corner] for corner in corners]
    return marker


def deleting_marker(header: Header, number: int) -> Marker:
    """Return the message that removes one part of the mesh from displays."""
    return Marker(header=header, ns=NAMESPACE, id=number, action=Marker.DELETE)


def deleting_all(header: Header) -> Marker:
    """Return the message that removes the mesh from displays."""
    return Marker(header=header, ns=NAMESPACE, action=Marker.DELETEALL)


def coarsened(mesh: Mesh, max_triangles: int) -> Mesh:
    """
    Merge vertices by growing cells until few enough triangles are left.

    :return: the mesh itself if it is small enough
    """
    if len(mesh.triangles_M3) <= max_triangles:
        return mesh
    # The number of triangles falls with the square of the cell size.
    edges_m = (
        mesh.vertices_m_N3[mesh.triangles_M3[:, 0]] - mesh.vertices_m_N3[mesh.triangles_M3[:, 1]]
    )
    cell_m = float(np.median(np.linalg.norm(edges_m, axis=1)))
    cell_m *= (len(mesh.triangles_M3) / max_triangles) ** 0.5
    clustered = _clustered(mesh, cell_m)
    while len(clustered.triangles_M3) > max_triangles:
        cell_m *= 1.3
        clustered = _clustered(mesh, cell_m)
    return clustered


def _clustered(mesh: Mesh, cell_m: float) -> Mesh:
    """Merge all vertices of a cell into their mean; degenerate triangles are dropped."""
    cells_N3 = np.floor(mesh.vertices_m_N3 / cell_m).astype(np.int64)
    cells_N3 -= cells_N3.min(axis=0)
    size_3 = cells_N3.max(axis=0) + 1
    keys_N = np.ravel_multi_index(tuple(cells_N3.T), tuple(size_3))
    _, cluster_N, counts_K = np.unique(keys_N, return_inverse=True, return_counts=True)
    triangles_M3 = cluster_N[mesh.triangles_M3].astype(np.int32)
    first, second, third = triangles_M3.T
    kept_M = (first != second) & (second != third) & (third != first)
    means_K3 = (
        _means(values_N3, cluster_N, counts_K)
        for values_N3 in (mesh.vertices_m_N3, mesh.colors_N3)
    )
    vertices_m_K3, colors_K3 = means_K3
    return Mesh(
        vertices_m_N3=vertices_m_K3.astype(np.float32),
        colors_N3=np.rint(colors_K3).astype(np.uint8),
        triangles_M3=triangles_M3[kept_M],
    )


def _means(values_N3: np.ndarray, cluster_N: np.ndarray, counts_K: np.ndarray) -> np.ndarray:
    sums_3K = [np.bincount(cluster_N, weights=values_N3[:, axis]) for axis in range(3)]
    return np.stack(sums_3K, axis=1) / counts_K[:, None]
