# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The average of depth that errs lies on the surface."""

from depth_refiner_ros.core.camera import Intrinsics
from depth_refiner_ros.mapping.surface_bias import without_bias
from depth_refiner_ros.mapping.tsdf import TsdfVolume
import numpy as np
import pytest

CAMERA = Intrinsics(fx=40.0, fy=40.0, cx=7.5, cy=5.5, width=16, height=12)
WALL_M = 4.0


def wall_of_many_frames_m(
    error_share: float, truncation_share: float, *, told: float, voxel_m: float = 0.04, by=None
) -> float:
    """Return where a wall comes to lie, of 400 frames each of which errs as a whole."""
    volume = TsdfVolume(voxel_m, max_range_m=8.0)
    volume.truncation_share, volume.error_share = truncation_share, told
    draws = np.random.default_rng(0).normal(0.0, error_share, 200)
    for error in np.concatenate([draws, -draws]):
        depth_m_HW = np.full((12, 16), WALL_M * (1.0 + error), np.float32)
        weight_HW = None if by is None else (by(depth_m_HW)).astype(np.float32)
        volume.integrate(depth_m_HW, None, CAMERA, np.eye(4), weight_HW=weight_HW)
    return float(np.median(volume.mesh(min_weight=40).vertices_m_N3[:, 2]))


@pytest.mark.parametrize('multiple', [1.5, 2.0, 3.0])
@pytest.mark.parametrize('error_share', [0.02, 0.04, 0.06])
def test_wall_lies_where_its_frames_are_on_average(error_share, multiple):
    share = multiple * error_share
    found_m = wall_of_many_frames_m(error_share, share, told=error_share)
    assert abs(found_m - WALL_M) < 0.1 * error_share * WALL_M


@pytest.mark.parametrize('error_share', [0.02, 0.04, 0.06])
def test_so_it_does_where_nearer_frames_weigh_more(error_share):
    found_m = wall_of_many_frames_m(
        error_share, 2 * error_share, told=error_share, by=lambda depth_m: depth_m**-2
    )
    assert abs(found_m - WALL_M) < 0.1 * error_share * WALL_M


def test_errors_of_many_truncation_distances():
    """The correction does not fade out where the table ends; 8 of them."""
    off_m = {
        told: wall_of_many_frames_m(0.04, 0.08, told=told, voxel_m=0.005) - WALL_M
        for told in (0.0, 0.04)
    }
    assert off_m[0.0] > 0.3 * 0.04 * WALL_M
    assert abs(off_m[0.04]) < 0.5 * off_m[0.0]


@pytest.mark.parametrize('multiple', [0.0, 1.5])
def test_without_the_correction_the_wall_moves_away(multiple):
    found_m = wall_of_many_frames_m(0.06, multiple * 0.06, told=0.0)
    assert found_m - WALL_M > 0.25 * 0.06 * WALL_M


def test_a_truncation_that_does_not_grow_is_left_alone():
    depth_m_HW = np.full((6, 8), 4.0, np.float32)
    found_m_HW = without_bias(
        depth_m_HW, error_share=0.05, truncation_m=0.08, truncation_share=0.0, by_precision=False
    )
    assert found_m_HW is depth_m_HW


@pytest.mark.parametrize('by_precision', [False, True])
def test_depth_of_a_sensor_stays_as_it_is(by_precision):
    depth_m_HW = np.linspace(0.0, 4.0, 48, dtype=np.float32).reshape(6, 8)
    found_m_HW = without_bias(
        depth_m_HW,
        error_share=0.006,
        truncation_m=0.08,
        truncation_share=0.012,
        by_precision=by_precision,
    )
    np.testing.assert_allclose(found_m_HW, depth_m_HW, rtol=0, atol=5e-4)


def test_unknown_depth_stays_unknown_and_a_far_pixel_changes_no_other():
    near_m_HW = np.array([[0.0, 3.0, 3.3]], np.float32)
    with_far_m_HW = np.append(near_m_HW, [[200.0]], axis=1).astype(np.float32)
    found, beside = (
        without_bias(
            depth, error_share=0.025, truncation_m=0.08, truncation_share=0.05, by_precision=False
        )
        for depth in (near_m_HW, with_far_m_HW)
    )
    assert found[0, 0] == 0.0
    assert found[0, 2] == pytest.approx(3.3 - 0.194 * 0.025 * 3.3, abs=1e-3)
    np.testing.assert_allclose(beside[:, :3], found, rtol=0, atol=1e-3)
    assert 200.0 - beside[0, 3] > 0.3 * 0.025 * 200.0
    assert np.all(
        without_bias(
            near_m_HW * 0,
            error_share=0.05,
            truncation_m=0.08,
            truncation_share=0.1,
            by_precision=True,
        )
        == 0.0
    )
