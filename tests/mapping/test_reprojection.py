# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.reprojection import reprojected
from depth_refiner_ros.mapping.temporal_error import TemporalError
import numpy as np
import pytest

CAMERA = Intrinsics(fx=100.0, fy=100.0, cx=49.5, cy=39.5, width=100, height=80)


def view(depth_m: float, *, forward_m: float = 0.0, right_m: float = 0.0) -> PosedDepth:
    pose = np.eye(4)
    pose[0, 3], pose[2, 3] = right_m, forward_m
    return PosedDepth(
        depth_m_HW=np.full((80, 100), depth_m, dtype=np.float32),
        intrinsics=CAMERA,
        map_from_camera=pose,
    )


def test_points_of_a_plane_land_where_a_camera_to_the_right_sees_them():
    points = reprojected(view(2.0), view(2.0, right_m=0.2))
    # 0.2 m at 2 m and a focal length of 100 pixels is 10 columns.
    assert points.share == pytest.approx(0.9)
    assert points.pixel_N[:3].tolist() == [0, 1, 2]
    assert points.depth_m_N == pytest.approx(2.0)


def test_sampled_rows_and_columns_lie_where_the_whole_map_has_them():
    source = view(2.0)
    source.depth_m_HW[:] += np.arange(100) * 0.01
    whole, some = (reprojected(source, view(2.0, right_m=0.1), stride_px=n) for n in (1, 4))
    depths = dict(zip(whole.pixel_N.tolist(), whole.depth_m_N.tolist()))
    assert len(some.pixel_N) > 400
    assert [depths[pixel] for pixel in some.pixel_N.tolist()] == pytest.approx(
        some.depth_m_N, abs=0.011
    )


def test_unknown_points_and_those_behind_the_camera_are_left_out():
    source = view(2.0)
    source.depth_m_HW[:40] = np.nan
    source.depth_m_HW[40:50] = np.inf
    assert len(reprojected(source, view(2.0)).pixel_N) == 30 * 100
    assert reprojected(source, view(2.0, forward_m=3.0)).share == 0.0
    source.depth_m_HW[:] = np.nan
    assert reprojected(source, view(2.0)).share == 0.0


def test_temporal_error_of_depth_that_follows_the_camera_is_zero():
    error = TemporalError()
    assert error.percent is None
    for index in range(4):
        error.add(view(2.0 - 0.1 * index, forward_m=0.1 * index))
    assert error.pairs == 3
    assert error.percent == pytest.approx(0.0, abs=1e-4)


def test_temporal_error_is_the_mean_of_both_directions():
    error = TemporalError()
    error.add(view(2.0))
    error.add(view(2.2))
    # |2.2 - 2.0| over 2.2 and over 2.0, equation 7.
    assert error.percent == pytest.approx(100 * (0.2 / 2.2 + 0.2 / 2.0) / 2, rel=1e-4)


def test_temporal_error_does_not_reach_over_a_cut_or_count_pairs_without_overlap():
    error = TemporalError()
    error.add(view(2.0))
    error.cut()
    error.add(view(2.2))
    error.add(view(2.2, right_m=50.0))
    assert error.percent is None
