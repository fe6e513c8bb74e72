# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Distances from a wall and a box, against those of geometry."""

from dataclasses import replace

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.distance import SeenSpace, SurfaceDistance
from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import PoseError
from depth_refiner_ros.settings.fusion import TsdfSettings
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

CAMERA = Intrinsics(fx=80.0, fy=80.0, cx=79.5, cy=59.5, width=160, height=120)
WALL_M, BOX_M = 2.0, 1.5
SETTINGS = TsdfSettings(voxel_m=0.02, min_weight=1.0, min_trust=0.0, max_range_m=3.0)


def scene_depth_m():
    """Return depth of a wall at 2 m, and before it, at 1.5 m, the front of a box of 0.4 m."""
    depth_m_HW = np.full((120, 160), WALL_M, np.float32)
    x = (np.arange(160) - 79.5) / 80.0 * BOX_M
    y = (np.arange(120) - 59.5) / 80.0 * BOX_M
    depth_m_HW[(np.abs(y) <= 0.2)[:, None] & (np.abs(x) <= 0.2)] = BOX_M
    return depth_m_HW


@pytest.fixture(scope='module')
def mapper():
    made = Mapper(SETTINGS, distances=True)
    view = PosedDepth(depth_m_HW=scene_depth_m(), intrinsics=CAMERA, map_from_camera=np.eye(4))
    for _ in range(2):
        made.add(view, None, None, SETTINGS)
    return made


def box_distance_m(points):
    """Return the distance from the front of the box, a square."""
    beside = np.maximum(np.abs(points[:, :2]) - 0.2, 0.0)
    return np.hypot(np.hypot(*beside.T), points[:, 2] - BOX_M)


def seen_points():
    """Return points in front of the wall and not in the shadow of the box, within the view."""
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.6, -0.5, 0.5), (0.6, 0.5, 1.95), (2000, 3))
    shadow = np.abs(points[:, :2]).max(axis=1) <= 0.24 * points[:, 2] / BOX_M
    return points[~(shadow & (points[:, 2] > BOX_M - 0.1))]


def test_distances_are_those_of_geometry(mapper):
    points = seen_points()
    from_wall, from_box = WALL_M - points[:, 2], box_distance_m(points)
    beside = np.abs(points[:, :2]).max(axis=1)
    found = mapper.distance_m(points, SETTINGS)
    known = np.isfinite(found)
    assert known.mean() > 0.99
    wanted = np.minimum(from_wall, from_box)
    # At a step of depth, the mesh reaches back and out by up to the truncation distance.
    np.testing.assert_allclose(found[known], wanted[known], atol=0.08)
    near_wall = (from_wall < from_box - 0.08) & (beside > 0.2 * WALL_M / BOX_M + 0.08)
    near_box = (from_box < from_wall) & (beside < 0.16) & (points[:, 2] < BOX_M)
    for sure in (near_wall, near_box):
        assert sure.sum() > 20
        np.testing.assert_allclose(found[sure], wanted[sure], atol=0.005)


def test_what_no_frame_has_seen_is_unknown(mapper):
    behind_wall = np.array([[0.0, 0.5, WALL_M + 0.2], [0.5, 0.0, WALL_M + 1.0]])
    behind_box = np.array([[0.0, 0.0, 1.75], [0.1, -0.1, 1.8]])
    beside_view = np.array([[3.0, 0.0, 1.0], [0.0, 0.0, -0.5]])
    broken = np.array([[np.nan, 0.0, 1.0], [0.0, np.inf, 1.0]])
    for unknown in (behind_wall, behind_box, beside_view, broken):
        assert np.isnan(mapper.distance_m(unknown, SETTINGS)).all()
    just_behind = np.array([[0.5, 0.5, WALL_M + 0.04]])
    assert mapper.distance_m(just_behind, SETTINGS) == pytest.approx(0.04, abs=0.005)
    assert mapper.distance_m(np.empty((0, 3)), SETTINGS).shape == (0,)


def test_seen_space_ends_at_range_and_needs_trust():
    depth_m_HW = np.full((120, 160), np.inf, np.float32)
    view = PosedDepth(depth_m_HW=depth_m_HW, intrinsics=CAMERA, map_from_camera=np.eye(4))
    trust_HW = np.ones((120, 160), np.float32)
    trust_HW[:, 80:] = 0.1
    seen = SeenSpace(0.16)
    seen.add(view, trust_HW, min_confidence=0.5, max_range_m=3.0, margin_m=0.08)
    points = np.array([[-0.5, 0.0, 2.5], [0.5, 0.0, 2.5], [-0.5, 0.0, 3.5]])
    assert seen.holds(points).tolist() == [True, False, False]
    seen.add(
        PosedDepth(
            depth_m_HW=np.full_like(depth_m_HW, np.nan),
            intrinsics=CAMERA,
            map_from_camera=np.eye(4),
        ),
        None,
        min_confidence=0.5,
        max_range_m=3.0,
        margin_m=0.08,
    )
    assert seen.holds(points).tolist() == [True, False, False]
    seen.reset()
    assert not len(seen)


def test_seen_space_ends_before_the_surface():
    depth_m_HW = np.full((120, 160), 2.0, np.float32)
    seen = SeenSpace(0.05)
    seen.add(
        PosedDepth(depth_m_HW=depth_m_HW, intrinsics=CAMERA, map_from_camera=np.eye(4)),
        None,
        min_confidence=0.5,
        max_range_m=3.0,
        margin_m=0.5,
    )
    points = np.array([[0.0, 0.0, 1.4], [0.0, 0.0, 1.6]])
    assert seen.holds(points).tolist() == [True, False]


def test_depth_that_lies_column_after_column_is_seen_as_well():
    view = PosedDepth(
        depth_m_HW=np.asfortranarray(scene_depth_m()), intrinsics=CAMERA, map_from_camera=np.eye(4)
    )
    made = Mapper(SETTINGS, distances=True)
    made.add(view, None, None, SETTINGS)
    assert made.distance_m(np.array([[0.0, 0.0, 1.0]]), SETTINGS) == pytest.approx(0.5, abs=0.02)


def test_seen_space_counts_in_the_memory_of_the_volume(tmp_path):
    made = Mapper(SETTINGS, distances=True)
    view = PosedDepth(depth_m_HW=scene_depth_m(), intrinsics=CAMERA, map_from_camera=np.eye(4))
    made.add(view, None, None, SETTINGS)
    made.keep(tmp_path / 'map.safetensors')
    seen = len(load_file(tmp_path / 'map.safetensors')['seen'])
    assert seen > 500
    whole_mb = (made.volume.blocks * 512 * 24 + seen * 8) / 1e6
    assert made.volume.memory_mb == pytest.approx(whole_mb, abs=1e-9)
    again = Mapper(SETTINGS)
    again.go_on(tmp_path / 'map.safetensors')
    assert again.volume.memory_mb == pytest.approx(whole_mb, abs=1e-9)
    for mapper in (made, again):
        mapper.reset()
        assert mapper.volume.memory_mb == 0


def test_points_beyond_any_map_are_not_seen():
    seen = SeenSpace(0.16)
    seen.restore(np.array([[3, -2, 7], [-5, 0, 1], [3, -2, 7]], np.int32))
    assert seen.blocks_M3.tolist() == [[-5, 0, 1], [3, -2, 7]]
    around = 0.16 * np.array([[3.5, -1.5, 7.5], [3.5, -1.5, 7.5 + 2**21], [1e30, 0, 0]])
    assert seen.holds(around).tolist() == [True, False, False]


def test_a_frame_that_is_refused_has_seen_nothing():
    made = Mapper(SETTINGS, distances=True)
    view = PosedDepth(depth_m_HW=scene_depth_m(), intrinsics=CAMERA, map_from_camera=np.eye(4))
    made.add(view, None, None, SETTINGS)
    behind = np.diag([-1.0, 1.0, -1.0, 1.0])  # looks the other way
    behind[0, 1] = 0.5
    with pytest.raises(PoseError, match='not a rigid motion'):
        made.add(replace(view, map_from_camera=behind), None, None, SETTINGS)
    assert np.isnan(made.distance_m(np.array([[0.0, 0.0, -1.0]]), SETTINGS)).all()


def test_without_a_surface_there_is_no_distance():
    nothing = Mesh(
        vertices_m_N3=np.empty((0, 3), np.float32),
        triangles_M3=np.empty((0, 3), np.int32),
        colors_N3=np.empty((0, 3), np.uint8),
    )
    with pytest.raises(MappingError, match='no triangle'):
        SurfaceDistance(nothing)
    with pytest.raises(MappingError, match='volume is empty'):
        Mapper(SETTINGS, distances=True).distance_m(np.zeros((1, 3)), SETTINGS)
    with pytest.raises(MappingError, match='distances'):
        Mapper(SETTINGS).distance_m(np.zeros((1, 3)), SETTINGS)


def test_after_a_reset_everything_is_unknown_until_it_is_seen_again(mapper):
    made = Mapper(SETTINGS, distances=True)
    view = PosedDepth(depth_m_HW=scene_depth_m(), intrinsics=CAMERA, map_from_camera=np.eye(4))
    point = np.array([[0.5, 0.0, 1.0]])
    made.add(view, None, None, SETTINGS)
    assert np.isfinite(made.distance_m(point, SETTINGS)).all()
    made.reset()
    near = PosedDepth(
        depth_m_HW=np.full((120, 160), 0.5, np.float32),
        intrinsics=CAMERA,
        map_from_camera=np.eye(4),
    )
    made.add(near, None, None, SETTINGS)
    assert np.isnan(made.distance_m(point, SETTINGS)).all()


def test_a_kept_volume_answers_as_before(mapper, tmp_path):
    """Also where it is empty: seen is not unseen because the map was restored."""
    file = tmp_path / 'map.safetensors'
    mapper.keep(file)
    again = Mapper(SETTINGS, distances=True)
    again.go_on(file)
    points = np.random.default_rng(0).uniform((-2.0, -1.5, -0.5), (2.0, 1.5, 3.0), (5000, 3))
    before, after = (made.distance_m(points, SETTINGS) for made in (mapper, again))
    np.testing.assert_array_equal(after, before)
    seen_N = np.isfinite(after)
    assert seen_N[after > 0.3].sum() > 500, 'much of what was seen is far from all surfaces'
    assert not seen_N.all()


def test_seen_space_outlives_a_run_without_distances(mapper, tmp_path):
    file = tmp_path / 'map.safetensors'
    mapper.keep(file)
    between = Mapper(SETTINGS)
    between.go_on(file)
    between.keep(file)
    again = Mapper(SETTINGS, distances=True)
    again.go_on(file)
    free = np.array([[0.5, 0.0, 1.0]])
    assert again.distance_m(free, SETTINGS) == mapper.distance_m(free, SETTINGS)
    again.reset()
    again.keep(file)
    assert not len(load_file(file)['seen'])


def test_a_volume_kept_before_seen_space_was_is_read(mapper, tmp_path):
    file = tmp_path / 'map.safetensors'
    mapper.keep(file)
    with safe_open(file, framework='numpy') as kept:
        metadata = kept.metadata()
    tensors = load_file(file)
    del tensors['seen']
    save_file(tensors, file, metadata)
    again = Mapper(SETTINGS, distances=True)
    again.go_on(file)
    near, free = np.array([[0.5, 0.5, WALL_M - 0.04]]), np.array([[0.5, 0.0, 1.0]])
    assert again.distance_m(near, SETTINGS) == mapper.distance_m(near, SETTINGS)
    assert np.isnan(again.distance_m(free, SETTINGS)).all()
