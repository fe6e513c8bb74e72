# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.errors import MappingError, OutputError
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_io import read_ply, write_ply
import numpy as np
import pytest


def strip(triangles: int, offset_m: float) -> Mesh:
    count = triangles + 2
    vertices = np.stack(
        [np.arange(count) // 2, np.arange(count) % 2, np.full(count, offset_m)], axis=1
    )
    indices = np.arange(triangles)[:, None] + np.arange(3)
    return Mesh(
        vertices_m_N3=vertices.astype(np.float32),
        triangles_M3=indices.astype(np.int32),
        colors_N3=(np.arange(count * 3) % 256).reshape(-1, 3).astype(np.uint8),
    )


def joined(*meshes: Mesh) -> Mesh:
    starts = np.cumsum([0, *(len(mesh.vertices_m_N3) for mesh in meshes[:-1])])
    return Mesh(
        vertices_m_N3=np.concatenate([mesh.vertices_m_N3 for mesh in meshes]),
        colors_N3=np.concatenate([mesh.colors_N3 for mesh in meshes]),
        triangles_M3=np.concatenate(
            [mesh.triangles_M3 + start for mesh, start in zip(meshes, starts)]
        ).astype(np.int32),
    )


def test_small_parts_go_and_their_vertices_with_them():
    mesh = joined(strip(3, 0.0), strip(10, 1.0), strip(4, 2.0)).without_small_parts(4)
    assert len(mesh.triangles_M3) == 14
    assert set(mesh.vertices_m_N3[:, 2]) == {1.0, 2.0}
    large = joined(strip(10, 1.0), strip(4, 2.0))
    np.testing.assert_array_equal(
        mesh.vertices_m_N3[mesh.triangles_M3], large.vertices_m_N3[large.triangles_M3]
    )
    np.testing.assert_array_equal(
        mesh.colors_N3[mesh.triangles_M3], large.colors_N3[large.triangles_M3]
    )


def test_nothing_left_is_an_empty_mesh():
    assert len(strip(3, 0.0).without_small_parts(9).triangles_M3) == 0
    assert strip(3, 0.0).without_small_parts(0).triangles_M3.shape == (3, 3)


def test_unfit_arrays_are_refused():
    vertices, colors = np.zeros((3, 3), np.float32), np.zeros((3, 3), np.uint8)
    with pytest.raises(MappingError, match='vertex 3 of a mesh with 3'):
        Mesh(vertices_m_N3=vertices, colors_N3=colors, triangles_M3=np.array([[0, 1, 3]]))
    with pytest.raises(MappingError, match=r'\(2, 3\)'):
        Mesh(vertices_m_N3=vertices, colors_N3=colors[:2], triangles_M3=np.array([[0, 1, 2]]))


def test_ply_round_trip_is_exact(tmp_path):
    mesh = joined(strip(5, 0.125), strip(2, -3.0))
    write_ply(tmp_path / 'm.ply', mesh)
    read = read_ply(tmp_path / 'm.ply')
    np.testing.assert_array_equal(read.vertices_m_N3, mesh.vertices_m_N3)
    np.testing.assert_array_equal(read.triangles_M3, mesh.triangles_M3)
    np.testing.assert_array_equal(read.colors_N3, mesh.colors_N3)


def test_ply_header_is_the_documented_one(tmp_path):
    write_ply(tmp_path / 'm.ply', strip(5, 0.0))
    data = (tmp_path / 'm.ply').read_bytes()
    header, body = data.split(b'end_header\n', 1)
    assert header.startswith(b'ply\nformat binary_little_endian 1.0\n')
    assert b'element vertex 7\n' in header
    assert b'element face 5\n' in header
    assert len(body) == 7 * 15 + 5 * 13


def test_truncated_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(MappingError, match='no mesh file'):
        read_ply(tmp_path / 'none.ply')
    write_ply(tmp_path / 'm.ply', strip(500, 0.0))
    data = (tmp_path / 'm.ply').read_bytes()
    (tmp_path / 'cut.ply').write_bytes(data[: len(data) // 3])
    with pytest.raises(MappingError, match=r'cut\.ply contains no'):
        read_ply(tmp_path / 'cut.ply')
    (tmp_path / 'text.ply').write_text('hello')
    with pytest.raises(MappingError, match=r'text\.ply'):
        read_ply(tmp_path / 'text.ply')


def test_writing_where_a_folder_is_keeps_it(tmp_path):
    (tmp_path / 'm.ply').mkdir()
    with pytest.raises(OutputError, match=r'm\.ply'):
        write_ply(tmp_path / 'm.ply', strip(2, 0.0))
    assert (tmp_path / 'm.ply').is_dir()
