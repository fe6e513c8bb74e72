# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.nodes.conversions.headers import header_of
from depth_refiner_ros.nodes.conversions.mesh import coarsened, marker_from_mesh
import numpy as np
from visualization_msgs.msg import Marker


def grid_mesh(cells):
    """Return a flat sheet of 1 m edge and two triangles per cell, red growing along x."""
    line = np.linspace(0.0, 1.0, cells + 1)
    x, y = np.meshgrid(line, line)
    vertices = np.stack([x, y, np.full_like(x, 2.0)], axis=2).reshape(-1, 3).astype(np.float32)
    colors = np.stack([x * 255, 0 * x, 0 * x + 51], axis=2).reshape(-1, 3).astype(np.uint8)
    corner = np.arange(cells * (cells + 1)).reshape(cells, cells + 1)[:, :-1].ravel()
    lower = np.stack([corner, corner + 1, corner + cells + 1], axis=1)
    upper = np.stack([corner + 1, corner + cells + 2, corner + cells + 1], axis=1)
    return Mesh(
        vertices_m_N3=vertices,
        colors_N3=colors,
        triangles_M3=np.concatenate([lower, upper]).astype(np.int32),
    )


def test_marker_spells_out_every_corner():
    mesh = grid_mesh(1)
    marker = marker_from_mesh(header_of(9, 'map'), mesh, 7)
    assert marker.id == 7
    assert (marker.type, marker.action) == (Marker.TRIANGLE_LIST, Marker.ADD)
    assert marker.header.frame_id == 'map'
    assert marker.pose.orientation.w == 1.0
    assert (marker.scale.x, marker.scale.y, marker.scale.z) == (1.0, 1.0, 1.0)
    points = [(point.x, point.y, point.z) for point in marker.points]
    assert points == [(0, 0, 2), (1, 0, 2), (0, 1, 2), (1, 0, 2), (1, 1, 2), (0, 1, 2)]
    assert [color.r for color in marker.colors] == [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    assert all(abs(color.b - 0.2) < 1e-6 and color.a == 1.0 for color in marker.colors)


def test_small_meshes_stay_as_they_are():
    mesh = grid_mesh(4)
    assert coarsened(mesh, 32) is mesh


def test_large_meshes_shrink_but_keep_their_shape():
    mesh = grid_mesh(60)
    small = coarsened(mesh, 500)
    assert 100 <= len(small.triangles_M3) <= 500
    corners = small.vertices_m_N3[small.triangles_M3]
    edges = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = 0.5 * np.linalg.norm(np.cross(*edges), axis=1).sum()
    assert 0.85 < area <= 1.0001
    np.testing.assert_allclose(small.vertices_m_N3[:, 2], 2.0)
    along_x = small.vertices_m_N3[:, 0]
    assert np.abs(small.colors_N3[:, 0] - along_x * 255).max() < 10
    assert (small.colors_N3[:, 2] == 51).all()
