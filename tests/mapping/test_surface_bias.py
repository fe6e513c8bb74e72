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


def wall_of_many_frames_m(error_share: float, truncation_share: float, told: float) -> float:
    """Return where a wall comes to lie, of 400 frames each of which errs as a whole."""
    volume = TsdfVolume(0.04, max_range_m=8.0)
    volume.truncation_share, volume.error_share = truncation_share, told
    draws = np.random.default_rng(0).normal(0.0, error_share, 200)
    for error in np.concatenate([draws, -draws]):
        depth_m_HW = np.full((12, 16), WALL_M * (1.0 + error), np.float32)
        volume.integrate(depth_m_HW, None, CAMERA, np.eye(4))
    return float(np.median(volume.mesh(min_weight=40).vertices_m_N3[:, 2]))


@pytest.mark.parametrize(
    ('error_share', 'multiple'),
    [(0.02, 0.0), (0.04, 0.0), *((e, m) for e in (0.02, 0.04, 0.06) for m in (1.5, 2.0, 3.0))],
)
def test_wall_lies_where_its_frames_are_on_average(error_share, multiple):
    share = multiple * error_share
    found_m = wall_of_many_frames_m(error_share, share, told=error_share)
    assert abs(found_m - WALL_M) < 0.1 * error_share * WALL_M


@pytest.mark.parametrize('multiple', [0.0, 1.5])
def test_without_the_correction_the_wall_moves_away(multiple):
    found_m = wall_of_many_frames_m(0.06, multiple * 0.06, told=0.0)
    assert found_m - WALL_M > 0.25 * 0.06 * WALL_M


@pytest.mark.parametrize('error_share', [0.0, 0.004])
def test_exact_depth_stays_as_it_is(error_share):
    depth_m_HW = np.linspace(0.0, 4.0, 48, dtype=np.float32).reshape(6, 8)
    found_m_HW = without_bias(
        depth_m_HW, error_share=error_share, truncation_m=0.08, truncation_share=0.0
    )
    np.testing.assert_allclose(found_m_HW, depth_m_HW, rtol=0, atol=1e-6)


def test_unknown_and_far_depth():
    depth_m_HW = np.array([[0.0, 3.0, 100.0]], np.float32)
    for depth in (depth_m_HW, depth_m_HW * 0):
        found_m_HW = without_bias(
            depth, error_share=0.05, truncation_m=0.08, truncation_share=0.075
        )
        assert found_m_HW[0, 0] == 0.0
        assert np.all(found_m_HW >= 0.0)
        assert np.all(found_m_HW <= depth)
