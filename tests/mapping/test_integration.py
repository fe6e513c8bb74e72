# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping import integration
from depth_refiner_ros.mapping.blocks import touched_blocks
from depth_refiner_ros.mapping.poses import inverse
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
import numpy as np
import open3d as o3d
import open3d.core as o3c
import pytest

CPU = o3c.Device('CPU:0')
CAMERA = Intrinsics(fx=130.0, fy=130.0, cx=79.5, cy=59.5, width=160, height=120)
EYE = np.eye(4)


def flat(depth_m: float) -> np.ndarray:
    return np.full((CAMERA.height, CAMERA.width), depth_m, dtype=np.float32)


def by_open3d(volume: VoxelGrid, depth_m_HW, rgb_HW3, camera, map_from_camera, truncation_m):
    """Integrate by Open3D's own function into the same kind of grid."""
    blocks_K3 = touched_blocks(
        depth_m_HW, camera, map_from_camera, block_m=volume.block_m, truncation_m=truncation_m
    )
    volume.add(blocks_K3)
    matrix = camera.matrix()
    matrix[:2, 2] += 0.5
    matrix = o3c.Tensor.from_numpy(matrix)
    volume.open3d.integrate(
        o3c.Tensor.from_numpy(blocks_K3),
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(depth_m_HW)),
        o3d.t.geometry.Image(o3c.Tensor.from_numpy(rgb_HW3.astype(np.float32) / 255)),
        matrix,
        matrix,
        o3c.Tensor.from_numpy(inverse(map_from_camera)),
        1.0,
        5.0,
        truncation_m / volume.voxel_m,
    )


def test_equal_weights_are_open3d_s_integration(room, turn):
    volume = TsdfVolume(0.04, max_range_m=5.0)
    reference = VoxelGrid(0.04, 8, 4096.0, CPU)
    for angle in (3.3, 23.7, 201.1):
        pose = turn(angle, (0.123, -0.117, 0.219))
        depth_m_HW, rgb_HW3 = room.render(pose)
        # Open3D leaves out the outermost pixels.
        depth_m_HW[[0, -1]] = depth_m_HW[:, [0, -1]] = 0.0
        volume.integrate(depth_m_HW, rgb_HW3, room.camera, pose)
        by_open3d(reference, depth_m_HW, rgb_HW3, room.camera, pose, 0.16)
    ours, theirs = volume._grid, reference
    keys = theirs.open3d.hashmap().key_tensor().numpy()
    keys_K3 = keys[theirs.open3d.hashmap().active_buf_indices().numpy().astype(int)]
    assert ours.blocks == theirs.blocks
    values = {}
    for name in ('weight', 'tsdf', 'color'):
        values[name] = [
            grid.values(name).reshape(-1, 512, grid.values(name).shape[-1])[grid.rows(keys_K3)]
            for grid in (ours, theirs)
        ]
    same = values['weight'][0] == values['weight'][1]
    # A voxel may fall on either side of the border between two pixels by rounding alone.
    assert same.mean() > 0.999
    assert values['weight'][0].max() >= 2
    for name, scale in (('tsdf', 1.0), ('color', 255.0)):
        off = np.abs(values[name][0] - values[name][1])[same[..., 0]] / scale
        assert np.quantile(off, 0.999) < 1e-3, name


def in_numpy(volume: TsdfVolume, frames) -> list[np.ndarray]:
    """Restate the average in float64, for the voxels of a volume: weight, trust, tsdf, color."""
    grid = volume._grid
    x_fastest_R3 = np.stack(np.meshgrid(*3 * [np.arange(8)], indexing='ij'), -1).reshape(-1, 3)
    voxels_KR3 = grid.stored()[0][:, None] * 8 + x_fastest_R3[:, ::-1]
    points_V4 = np.insert(voxels_KR3.reshape(-1, 3) * grid.voxel_m, 3, 1.0, axis=1)
    count_V, trust_V, tsdf_V = np.zeros((3, len(points_V4)))
    color_V3 = np.zeros((len(points_V4), 3))
    for depth_m_HW, rgb_HW3, weight_HW, camera, map_from_camera in frames:
        x_m_V, y_m_V, z_m_V, _ = inverse(map_from_camera) @ points_V4.T
        column_V = np.rint(x_m_V / z_m_V * camera.fx + camera.cx).astype(int)
        row_V = np.rint(y_m_V / z_m_V * camera.fy + camera.cy).astype(int)
        seen_V = (z_m_V > 0) & (column_V >= 0) & (row_V >= 0)
        seen_V &= (column_V < camera.width) & (row_V < camera.height)
        pixel_V = np.where(seen_V, row_V * camera.width + column_V, 0)
        depth_m_V = depth_m_HW.ravel()[pixel_V]
        distance_m_V = depth_m_V - z_m_V
        reach_m_V = np.maximum(volume.truncation_m, volume.truncation_share * depth_m_V)
        used_V = seen_V & (distance_m_V >= -reach_m_V)
        weight_V = np.where(used_V, weight_HW.ravel()[pixel_V], 0.0)
        far_V = used_V & (distance_m_V < -volume.truncation_m)
        room_m_V = np.where(far_V, reach_m_V - volume.truncation_m, 1.0)
        left_V = np.maximum((reach_m_V + distance_m_V) / room_m_V, 0.01)
        weight_V = np.where(far_V, weight_V * left_V, weight_V)
        count_V += used_V
        trust_V += weight_V
        share_V = weight_V / np.where(trust_V > 0, trust_V, 1.0)
        new_V = np.minimum(distance_m_V, reach_m_V) / volume.truncation_m
        tsdf_V += share_V * (new_V - tsdf_V)
        color_V3 += share_V[:, None] * (rgb_HW3.reshape(-1, 3)[pixel_V] - color_V3)
    return [count_V, trust_V, tsdf_V, color_V3]


@pytest.mark.parametrize('truncation_share', [0.0, 0.1])
def test_compiled_average_is_that_of_the_formula(room, turn, truncation_share):
    volume = TsdfVolume(0.05, max_range_m=6.0)
    volume.truncation_share = truncation_share
    rng = np.random.default_rng(0)
    frames = []
    for angle in (3.3, 13.7, 23.1):
        pose = turn(angle, (0.123, -0.117, 0.219))
        depth_m_HW, rgb_HW3 = room.render(pose)
        weight_HW = rng.uniform(0.01, 1.0, depth_m_HW.shape).astype(np.float32)
        volume.integrate(depth_m_HW, rgb_HW3, room.camera, pose, weight_HW=weight_HW)
        frames.append((depth_m_HW, rgb_HW3, weight_HW, room.camera, pose))
    expected = in_numpy(volume, frames)
    rows_K = volume._grid.stored()[1]
    found = [
        volume._grid.values(name).reshape(-1, 512, width)[rows_K].reshape(-1, width)
        for name, width in (('weight', 1), ('trust', 1), ('tsdf', 1), ('color', 3))
    ]
    # A voxel may fall on either side of the border between two pixels by rounding alone.
    same_V = np.isclose(found[1][:, 0], expected[1], rtol=1e-5, atol=1e-6)
    assert same_V.mean() > 0.999
    assert expected[0].max() == 3
    for name, ours, theirs in zip(('weight', 'trust', 'tsdf', 'color'), found, expected):
        theirs = theirs.reshape(ours.shape)
        np.testing.assert_allclose(ours[same_V], theirs[same_V], 1e-4, 1e-4, err_msg=name)


def test_errors_beyond_the_truncation_distance_average_by_a_share_of_the_depth():
    """Without, a wall moves away: where few frames still reach, nearer depth counts no more."""
    depth_m_N = 4.0 * (1.0 + np.random.default_rng(0).normal(0.0, 0.05, 12))
    off_m = []
    for truncation_share in (0.0, 0.08):
        volume = TsdfVolume(0.04, max_range_m=6.0)
        volume.truncation_share = truncation_share
        for depth_m in depth_m_N:
            volume.integrate(flat(depth_m), None, CAMERA, EYE)
        off_m.append(volume.mesh().vertices_m_N3[:, 2].mean() - depth_m_N.mean())
    assert off_m[0] > 0.06
    assert abs(off_m[1]) < 0.03


def test_any_number_of_threads_gives_the_same_bits(room, turn, monkeypatch):
    values = []
    for threads in (1, 4):
        monkeypatch.setattr(integration, '_usable_cores', lambda threads=threads: threads)
        volume = TsdfVolume(0.02)
        assert volume.integrate(*room.render(turn(20)), room.camera, turn(20)) > 0
        assert volume.blocks > 2 * integration.PART
        blocks_K3, rows_K = volume._grid.stored()
        rows_K = rows_K[np.lexsort(blocks_K3.T)]
        values.append(
            [volume._grid.values(name).reshape(-1, 512)[rows_K] for name in ('trust', 'tsdf')]
        )
    np.testing.assert_array_equal(*values)


def test_images_may_be_read_only_and_views(room, turn):
    depth_m_HW, rgb_HW3 = room.render(turn(0))
    bgr_HW3 = rgb_HW3[..., ::-1].copy()
    plain, read_only, views = (TsdfVolume(0.05) for _ in range(3))
    plain.integrate(depth_m_HW, rgb_HW3, room.camera, EYE, weight_HW=depth_m_HW, carve=True)
    for image in (depth_m_HW, rgb_HW3):
        image.setflags(write=False)
    read_only.integrate(depth_m_HW, rgb_HW3, room.camera, EYE, weight_HW=depth_m_HW, carve=True)
    turned_HW = np.asfortranarray(depth_m_HW)
    views.integrate(
        turned_HW, bgr_HW3[..., ::-1], room.camera, EYE, weight_HW=turned_HW, carve=True
    )
    for volume in (read_only, views):
        for attribute in ('vertices_m_N3', 'colors_N3'):
            found, expected = (getattr(one.mesh(), attribute) for one in (volume, plain))
            np.testing.assert_array_equal(np.sort(found, axis=0), np.sort(expected, axis=0))


def test_far_from_the_origin_voxels_are_as_exact_as_near(room, turn):
    pose = turn(3.3, (0.123, -0.117, 0.219))
    depth_m_HW, _ = room.render(pose)
    distances = []
    for blocks in (0, 9000):
        pose = turn(3.3, (0.123 + blocks * 0.32, -0.117, 0.219))
        volume = TsdfVolume(0.04)
        volume.integrate(depth_m_HW, None, room.camera, pose)
        distances.append(np.sort(volume._grid.values('tsdf').ravel()))
    assert np.abs(distances[0] - distances[1]).max() < 1e-3


def test_a_pixel_counts_by_its_weight():
    volume = TsdfVolume(0.02)
    volume.integrate(flat(1.0), None, CAMERA, EYE, weight_HW=flat(0.25))
    volume.integrate(flat(1.04), None, CAMERA, EYE, weight_HW=flat(0.75))
    z_m = volume.mesh(min_weight=2).vertices_m_N3[:, 2]
    assert np.median(z_m) == pytest.approx(1.03, abs=1e-4)


def test_color_counts_by_its_weight():
    volume = TsdfVolume(0.02)
    for level, weight in ((100, 0.25), (200, 0.75)):
        rgb_HW3 = np.full((*flat(1.0).shape, 3), level, dtype=np.uint8)
        volume.integrate(flat(1.0), rgb_HW3, CAMERA, EYE, weight_HW=flat(weight))
    assert np.unique(volume.mesh().colors_N3).tolist() == [175]


def test_surface_needs_observations_and_trust():
    volume = TsdfVolume(0.02)
    weight_HW = flat(0.1)
    weight_HW[:, 80:] = 0.4
    for _ in range(3):
        volume.integrate(flat(1.0), None, CAMERA, EYE, weight_HW=weight_HW)
    whole, sure = volume.mesh(min_weight=3), volume.mesh(min_weight=3, min_trust=1.0)
    assert whole.vertices_m_N3[:, 0].min() < -0.5
    assert -0.02 < sure.vertices_m_N3[:, 0].min() < 0.02
    # What was hidden from one mesh is in the next.
    assert len(volume.mesh(min_weight=3).vertices_m_N3) == len(whole.vertices_m_N3)


@pytest.mark.parametrize('carve', [True, False])
def test_carving_removes_what_later_views_see_through(carve):
    volume = TsdfVolume(0.02)
    with_crumb = flat(2.0)
    with_crumb[50:70, 70:90] = 1.0
    volume.integrate(with_crumb, None, CAMERA, EYE)
    for _ in range(3):
        volume.integrate(flat(2.0), None, CAMERA, EYE, carve=carve)
    nearest_m = volume.mesh(min_weight=1).vertices_m_N3[:, 2].min()
    assert nearest_m == pytest.approx(2.0 if carve else 1.0, abs=0.03)


def test_carving_of_depth_nearer_than_the_band_finds_nothing():
    volume = TsdfVolume(0.05)
    assert volume.integrate(flat(0.15), None, CAMERA, EYE, carve=True) == flat(1.0).size


def test_carving_leaves_what_lies_beside_and_behind():
    volume = TsdfVolume(0.02)
    volume.integrate(flat(2.0), None, CAMERA, EYE)
    before = volume.mesh()
    near = np.full_like(flat(1.0), np.nan)
    near[:, :20] = 1.0
    volume.integrate(near, None, CAMERA, EYE, carve=True)
    after = volume.mesh()
    behind = after.vertices_m_N3[after.vertices_m_N3[:, 2] > 1.5]
    assert len(behind) == len(before.vertices_m_N3)
