# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.blocks import touched_blocks
from depth_refiner_ros.mapping.mesh_metrics import surface_distance
from depth_refiner_ros.mapping.tsdf import TsdfVolume
from depth_refiner_ros.mapping.voxel_grid import VoxelGrid
import numpy as np
import open3d.core as o3c
import pytest
import torch

VGA = Intrinsics(fx=525.0, fy=525.0, cx=319.5, cy=239.5, width=640, height=480)
SMALL = Intrinsics(fx=130.0, fy=130.0, cx=79.5, cy=59.5, width=160, height=120)
EYE = np.eye(4)


def plane_depth(camera: Intrinsics, normal_3: np.ndarray, offset_m: float) -> np.ndarray:
    x_HW, y_HW = camera.rays().numpy().astype(np.float64)
    depth = offset_m / (x_HW * normal_3[0] + y_HW * normal_3[1] + normal_3[2])
    return depth.astype(np.float32)


def flat(depth_m: float) -> np.ndarray:
    return np.full((SMALL.height, SMALL.width), depth_m, dtype=np.float32)


def grey(level: int = 128) -> np.ndarray:
    return np.full((SMALL.height, SMALL.width, 3), level, dtype=np.uint8)


def test_plane_at_two_metres_is_exact_to_a_millimetre():
    volume = TsdfVolume(0.02)
    volume.integrate(plane_depth(VGA, np.array([0.0, 0.0, 1.0]), 2.013), None, VGA, EYE)
    z = volume.mesh().vertices_m_N3[:, 2]
    assert np.abs(z - 2.013).max() < 1e-4


def test_slanted_plane_has_no_offset_which_a_half_pixel_would_give():
    normal = np.array([0.5, 0.3, 1.0]) / np.linalg.norm([0.5, 0.3, 1.0])
    volume = TsdfVolume(0.01)
    volume.integrate(plane_depth(VGA, normal, 1.8), None, VGA, EYE)
    error_m = volume.mesh().vertices_m_N3 @ normal - 1.8
    # Half a pixel of both axes would shift the surface by 1.8 / 525 * 0.4 = 1.2 mm.
    assert abs(np.mean(error_m)) < 2e-4
    assert np.median(np.abs(error_m)) < 1e-3


def test_room_from_eight_views_lies_on_its_walls(room, turn):
    volume = TsdfVolume(0.02, max_range_m=6.0)
    for angle in range(0, 360, 45):
        depth, rgb = room.render(turn(angle, (0.1, -0.1, 0.2)))
        volume.integrate(depth, rgb, room.camera, turn(angle, (0.1, -0.1, 0.2)))
    mesh = volume.mesh()
    assert volume.frames == 8
    distance_m = room.distance_to_walls(mesh.vertices_m_N3)
    assert np.median(distance_m) < 1e-3
    assert np.quantile(distance_m, 0.99) < 0.01
    wall = np.array([[0.3, 0.2, 2.5], [2.0, 0.2, 0.4], [-2.0, 0.1, -0.5]], dtype=np.float32)
    assert surface_distance(wall, mesh).max() < 5e-3


def test_color_neither_darkens_nor_drifts_over_many_frames():
    volume = TsdfVolume(0.02)
    for _ in range(100):
        volume.integrate(flat(1.0), grey(200), SMALL, EYE)
    colors = volume.mesh(min_weight=100).colors_N3
    assert colors.min() == colors.max() == 200


def test_unusable_depth_is_ignored():
    depth = flat(1.0)
    depth[:, :40], depth[:, 40:60], depth[:, 60:80] = np.nan, np.inf, -np.inf
    depth[:, 80:90], depth[:, 90:100], depth[:, 100:110] = 9.0, 0.01, 0.0
    volume = TsdfVolume(0.02)
    assert volume.integrate(depth, grey(), SMALL, EYE) == 50 * 120
    x = volume.mesh().vertices_m_N3[:, 0]
    assert x.min() > (109 - SMALL.cx) / SMALL.fx - 1e-3
    assert x.max() < (159.5 - SMALL.cx) / SMALL.fx + 1e-3


def test_low_confidence_and_rejected_pixels_are_ignored():
    confidence, reject = np.full((120, 160), 0.9, np.float32), np.zeros((120, 160), bool)
    confidence[:60], confidence[60:70] = 0.2, np.nan
    reject[:, :80] = True
    volume = TsdfVolume(0.02)
    used = volume.integrate(
        flat(1.0), None, SMALL, EYE, confidence_HW=confidence, min_confidence=0.3, reject_HW=reject
    )
    assert used == 50 * 80
    vertices = volume.mesh().vertices_m_N3
    assert vertices[:, 0].min() > -0.01
    assert vertices[:, 1].min() > (69 - SMALL.cy) / SMALL.fy


def test_every_pixel_counts_not_one_in_sixteen():
    depth = flat(np.nan)
    depth[1::4, 2::4] = 2.0
    assert TsdfVolume(0.02).integrate(depth, None, SMALL, EYE) == 30 * 40
    seen = np.nan_to_num(depth)
    blocks = touched_blocks(seen, SMALL, EYE, block_m=0.16, truncation_m=0.08)
    rows, columns = np.nonzero(seen)
    points = np.stack(
        [
            (columns - SMALL.cx) / SMALL.fx * 2,
            (rows - SMALL.cy) / SMALL.fy * 2,
            np.full(len(rows), 2.0),
        ],
        axis=1,
    )
    expected = set(map(tuple, np.floor(points / 0.16).astype(int)))
    assert expected <= set(map(tuple, blocks))
    assert len(blocks) == len(set(map(tuple, blocks)))


def test_long_truncation_leaves_no_gap_between_blocks():
    blocks = touched_blocks(
        np.where(np.arange(160) == 80, 2.0, 0.0)[None].repeat(120, 0).astype(np.float32),
        SMALL,
        EYE,
        block_m=0.1,
        truncation_m=0.55,
    )
    assert set(blocks[:, 2]) == set(range(14, 26))


def test_growth_keeps_what_was_seen_before():
    volume = TsdfVolume(0.01)
    reference = TsdfVolume(0.01)
    reference.integrate(flat(1.0), grey(), SMALL, EYE)
    first = reference.mesh()
    for step in range(12):
        moved = np.eye(4)
        moved[0, 3] = 3.0 * step
        volume.integrate(flat(1.0), grey(), SMALL, moved)
    assert volume.blocks == pytest.approx(12 * reference.blocks, rel=0.05)
    assert volume.blocks > 2048
    vertices = volume.mesh().vertices_m_N3
    early = vertices[vertices[:, 0] < 1.0]
    assert len(early) == len(first.vertices_m_N3)
    assert volume.memory_mb == pytest.approx(volume.blocks * 512 * 24 / 1e6)


def test_memory_limit_is_an_error_and_loses_nothing():
    volume = TsdfVolume(0.01, max_memory_mb=5.0)
    volume.integrate(flat(0.5), None, SMALL, EYE)
    before = len(volume.mesh().vertices_m_N3)
    with pytest.raises(MappingError, match=r'max_memory_mb = 5.*larger voxel_m than 0\.01'):
        volume.integrate(flat(4.0), None, SMALL, EYE)
    assert len(volume.mesh().vertices_m_N3) == before
    assert volume.frames == 1


def test_what_is_kept_beside_the_volume_counts_towards_the_limit():
    volume = TsdfVolume(0.01, max_memory_mb=5.0)
    volume.integrate(flat(0.5), None, SMALL, EYE)
    volume.beside_mb = 4.5
    with pytest.raises(MappingError, match=r'max_memory_mb = 5.*larger voxel_m than 0\.01'):
        volume.integrate(flat(0.5), None, SMALL, EYE)


def test_room_for_blocks_doubles_up_to_the_memory_limit():
    line_K3 = np.zeros((1600, 3), np.int32)
    line_K3[:, 0] = np.arange(1600)
    block_mb = 512 * 24 / 1e6
    grid = VoxelGrid(0.02, 8, 1500.5 * block_mb, o3c.Device('CPU:0'), first_blocks=1000)
    grid.add(line_K3[:1001])
    assert grid.open3d.hashmap().capacity() == 1500
    with pytest.raises(MappingError, match='max_memory_mb'):
        grid.add(line_K3)
    assert (grid.blocks, grid.open3d.hashmap().capacity()) == (1001, 1500)


def test_surface_needs_its_observations():
    volume = TsdfVolume(0.02)
    for _ in range(3):
        volume.integrate(flat(1.0), None, SMALL, EYE)
    assert len(volume.mesh(min_weight=3).triangles_M3)
    with pytest.raises(MappingError, match='seen 4 times in 3 frames'):
        volume.mesh(min_weight=4)


def test_small_parts_can_be_dropped():
    depth = flat(2.0)
    depth[:, 20:60] = np.nan
    depth[50:56, 30:36] = 1.0
    volume = TsdfVolume(0.02)
    volume.integrate(depth, None, SMALL, EYE)
    assert volume.mesh().vertices_m_N3[:, 2].min() < 1.1
    assert volume.mesh(min_part_triangles=200).vertices_m_N3[:, 2].min() > 1.9
    with pytest.raises(MappingError, match='min_part_triangles'):
        volume.mesh(min_part_triangles=10**7)


def test_empty_volume_says_why():
    volume = TsdfVolume(0.02, max_range_m=3.0)
    with pytest.raises(MappingError, match='empty after 0 frames'):
        volume.mesh()
    assert volume.integrate(flat(3.5), grey(), SMALL, EYE) == 0
    with pytest.raises(MappingError, match=r'empty after 1 frame: .* 0\.1 and 3 m'):
        volume.mesh()


def test_reset_forgets():
    volume = TsdfVolume(0.02)
    volume.integrate(flat(1.0), None, SMALL, EYE)
    volume.reset()
    assert (volume.frames, volume.blocks) == (0, 0)
    with pytest.raises(MappingError, match='empty'):
        volume.mesh()


def test_bad_options_are_named(subtests):
    cases = [
        ({'voxel_m': 0.0}, 'voxel_m = 0'),
        ({'truncation_voxels': -1.0}, 'truncation_voxels'),
        ({'min_range_m': 5.0, 'max_range_m': 4.0}, 'max_range_m 4 must be above min_range_m 5'),
        ({'voxel_m': float('nan')}, 'voxel_m = nan'),
        ({'device': 'tpu'}, "'tpu' must be auto, cpu"),
        ({'device': 'cuda:99'}, 'cuda:99'),
    ]
    for change, words in cases:
        with subtests.test(change=change), pytest.raises(MappingError, match=words):
            TsdfVolume(**change)


def test_auto_asks_open3d_for_a_gpu_and_not_torch(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    volume = TsdfVolume(device='auto')
    expected = 'CUDA:0' if o3c.cuda.is_available() else 'CPU:0'
    assert volume._grid.device == o3c.Device(expected)
    assert volume.integrate(flat(1.0), None, SMALL, EYE)


def test_shapes_and_poses_are_checked():
    volume = TsdfVolume(0.02)
    with pytest.raises(MappingError, match='depth of shape'):
        volume.integrate(flat(1.0)[:60], None, SMALL, EYE)
    with pytest.raises(MappingError, match='color of shape'):
        volume.integrate(flat(1.0), grey()[..., 0], SMALL, EYE)
    with pytest.raises(MappingError, match='confidence of shape'):
        volume.integrate(flat(1.0), None, SMALL, EYE, confidence_HW=np.ones((1, 1)))
    with pytest.raises(MappingError, match='not a number'):
        volume.integrate(flat(1.0), None, SMALL, np.full((4, 4), np.nan))
    utm = np.eye(4)
    utm[:2, 3] = 500_000.0, 5_400_000.0
    with pytest.raises(MappingError, match=r'float32 is 0\.5 m coarse there'):
        volume.integrate(flat(1.0), None, SMALL, utm)
    assert volume.frames == 0


def test_blocks_are_right_far_from_the_origin():
    far = np.eye(4)
    far[:3, 3] = np.array([400_000.0, -5_000.0, 12.0]) * 0.16
    near = touched_blocks(flat(2.0), SMALL, EYE, block_m=0.16, truncation_m=0.08)
    moved = touched_blocks(flat(2.0), SMALL, far, block_m=0.16, truncation_m=0.08)
    np.testing.assert_array_equal(moved - [400_000, -5_000, 12], near)


def test_near_and_far_pixels_side_by_side_both_touch_their_blocks():
    depth = flat(0.0)
    depth[60, 80], depth[60, 81] = 1.0, 3.0
    blocks = touched_blocks(depth, SMALL, EYE, block_m=0.16, truncation_m=0.08)
    depths_m = (blocks[:, 2] + 0.5) * 0.16
    assert np.abs(depths_m - 1.0).min() < 0.16
    assert np.abs(depths_m - 3.0).min() < 0.16
    assert not ((depths_m > 1.3) & (depths_m < 2.7)).any()
