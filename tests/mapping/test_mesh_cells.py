# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.mapping.mesh_cells import CELL_BLOCKS, cells_of
from depth_refiner_ros.mapping.tsdf import TsdfVolume
import numpy as np
import pytest

VOXEL_M = 0.02


def corners(meshes):
    """Return all triangles, each as a row of nine numbers, sorted."""
    found = np.concatenate(
        [mesh.vertices_m_N3[mesh.triangles_M3].reshape(-1, 9) for mesh in meshes]
    )
    return found[np.lexsort(found.T)]


@pytest.fixture
def volume(room, turn):
    volume = TsdfVolume(VOXEL_M, max_range_m=6.0)
    for angle in (3.3, 43.1):
        volume.integrate(*room.render(turn(angle)), room.camera, turn(angle))
    return volume


@pytest.mark.parametrize('min_trust', [0.0, 1.5])
def test_cells_together_are_the_mesh_of_the_volume(volume, min_trust):
    options = {'min_weight': 1.0, 'min_trust': min_trust}
    meshes = volume.cell_meshes(volume.take_changed(), **options)
    filled = [cell for cell, mesh in meshes.items() if len(mesh.triangles_M3)]
    assert len(filled) > 3
    np.testing.assert_allclose(
        corners(meshes.values()), corners([volume.mesh(**options)]), atol=1e-6
    )


def test_only_changed_cells_need_to_be_meshed_again(volume, room, turn):
    shown = volume.cell_meshes(volume.take_changed())
    pose = turn(60.7, (0.3, 0.0, 0.0))
    depth_m_HW, rgb_HW3 = room.render(pose)
    depth_m_HW[:, :120] = np.nan
    volume.integrate(depth_m_HW, rgb_HW3, room.camera, pose)
    changed = volume.take_changed()
    assert 0 < len(changed) < len(shown)
    assert not volume.take_changed()
    shown |= volume.cell_meshes(changed)
    np.testing.assert_allclose(corners(shown.values()), corners([volume.mesh()]), atol=1e-6)


def test_colors_stay_with_their_vertices(volume):
    meshes = volume.cell_meshes(volume.take_changed())
    whole = volume.mesh()
    colors = {
        tuple(vertex): tuple(color)
        for vertex, color in zip(whole.vertices_m_N3.round(4).tolist(), whole.colors_N3.tolist())
    }
    mesh = max(meshes.values(), key=lambda mesh: len(mesh.triangles_M3))
    for vertex, color in zip(mesh.vertices_m_N3.round(4).tolist(), mesh.colors_N3.tolist()):
        assert colors[tuple(vertex)] == tuple(color)


def test_block_at_the_border_of_a_cell_changes_the_cell_before_it():
    border = np.array([[CELL_BLOCKS, 3, 3]])
    assert cells_of(border) == {(0, 0, 0), (1, 0, 0)}
    assert cells_of(np.array([[-1, -1, -1]])) == {(-1, -1, -1)}
    assert len(cells_of(np.array([[0, 0, 0]]))) == 8


def test_reset_and_emptied_cells(volume):
    cells = volume.take_changed()
    volume.mark_all_changed()
    assert volume.take_changed() == cells
    volume.reset()
    assert not volume.take_changed()
    assert all(not len(mesh.triangles_M3) for mesh in volume.cell_meshes(cells).values())
    assert volume.cell_meshes([]) == {}
