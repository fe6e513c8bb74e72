# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.core.errors import MappingError
from depth_refiner_ros.mapping.mesh import Mesh
from depth_refiner_ros.mapping.mesh_metrics import compare, sample_surface, visible
from depth_refiner_ros.mapping.posed_depth import PosedDepth
import numpy as np
import pytest


def square(z_m: float, width_m: float = 1.0) -> Mesh:
    corners = np.array([[0, 0, z_m], [width_m, 0, z_m], [width_m, 1, z_m], [0, 1, z_m]])
    return Mesh(
        vertices_m_N3=corners.astype(np.float32),
        triangles_M3=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        colors_N3=np.zeros((4, 3), dtype=np.uint8),
    )


def test_a_shifted_plane_is_off_by_its_shift():
    score = compare(square(0.01), square(0.0), samples=2000)
    for value in (
        score.accuracy_mm,
        score.accuracy_mean_mm,
        score.accuracy_p90_mm,
        score.completeness_mm,
        score.completeness_mean_mm,
        score.completeness_p90_mm,
    ):
        assert value == pytest.approx(10.0, abs=1e-3)
    assert score.f_score == score.precision == score.recall == score.visible_share == 1.0
    far = compare(square(0.06), square(0.0), samples=2000)
    assert (far.precision, far.recall, far.f_score) == (0.0, 0.0, 0.0)
    assert far.threshold_mm == 50.0


def test_half_a_surface_is_accurate_but_not_complete():
    score = compare(square(0.0, 0.5), square(0.0), samples=40_000)
    assert score.accuracy_p90_mm < 1e-3
    assert score.precision == 1.0
    # Distances to the half that is there run evenly from 0 to 0.5 m over half of the area.
    assert score.completeness_mean_mm == pytest.approx(125.0, rel=0.03)
    assert score.completeness_p90_mm == pytest.approx(400.0, rel=0.02)
    assert score.recall == pytest.approx(0.55, abs=0.01)
    assert score.f_score == pytest.approx(2 * 0.55 / 1.55, abs=0.01)


def test_only_surface_in_view_has_to_be_complete():
    camera = Intrinsics(fx=100.0, fy=100.0, cx=24.5, cy=49.5, width=50, height=100)
    pose = np.eye(4)
    pose[:3, 3] = (0.25, 0.5, -1.0)
    depth = np.ones((100, 50), dtype=np.float32)
    view = PosedDepth(depth_m_HW=depth, intrinsics=camera, map_from_camera=pose)
    score = compare(square(0.0, 0.5), square(0.0), views=[view], samples=20_000)
    assert score.visible_share == pytest.approx(0.5, abs=0.01)
    assert score.completeness_p90_mm < 10.0
    assert score.recall == 1.0
    blind = replace(view, depth_m_HW=np.full_like(depth, np.nan))
    with pytest.raises(MappingError, match='none of 1 views'):
        compare(square(0.0), square(0.0), views=[blind], samples=100)


def test_what_is_hidden_is_not_visible():
    camera = Intrinsics(fx=10.0, fy=10.0, cx=4.5, cy=4.5, width=10, height=10)
    view = PosedDepth(
        depth_m_HW=np.ones((10, 10), np.float32), intrinsics=camera, map_from_camera=np.eye(4)
    )
    points = np.array(
        [[0, 0, 0.5], [0, 0, 1.01], [0, 0, 1.1], [0, 0, -1], [1, 0, 1], [0, 0, 0]],
        dtype=np.float32,
    )
    assert visible(points, [view]).tolist() == [True, True, False, False, False, False]


def test_samples_are_uniform_by_area_and_repeatable():
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 0, 0], [8, 0, 0], [5, 1, 0]])
    mesh = Mesh(
        vertices_m_N3=corners.astype(np.float32),
        colors_N3=np.zeros((6, 3), np.uint8),
        triangles_M3=np.array([[0, 1, 2], [3, 4, 5]], dtype=np.int32),
    )
    points = sample_surface(mesh, 40_000, np.random.default_rng(3))
    second = points[points[:, 0] >= 5]
    assert len(second) / len(points) == pytest.approx(0.75, abs=0.01)
    np.testing.assert_allclose(second.mean(axis=0), [6, 1 / 3, 0], atol=0.02)
    np.testing.assert_array_equal(points, sample_surface(mesh, 40_000, np.random.default_rng(3)))


def test_a_mesh_without_area_is_refused():
    line = replace(square(0.0), vertices_m_N3=np.zeros((4, 3), dtype=np.float32))
    with pytest.raises(MappingError, match='2 triangles has no area'):
        compare(line, square(0.0), samples=10)
