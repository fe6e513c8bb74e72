# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
import math

from depth_refiner_ros.mapping.mapper import Mapper
from depth_refiner_ros.mapping.pose_scale import HeldScale, PoseScale, scale_between
from depth_refiner_ros.mapping.posed_depth import PosedDepth
from depth_refiner_ros.mapping.poses import PoseError
from depth_refiner_ros.settings.fusion import TsdfSettings
import numpy as np
import pytest

FRAMES = 40


@pytest.fixture
def views(room, turn) -> list[PosedDepth]:
    """Return what a camera sees that turns and moves through the room."""
    found = []
    for index in range(FRAMES):
        pose = turn(2.0 * index, (0.02 * index - 0.4, 0.1, 0.01 * index))
        depth_m_HW, _ = room.render(pose)
        found.append(
            PosedDepth(depth_m_HW=depth_m_HW, intrinsics=room.camera, map_from_camera=pose)
        )
    return found


def scaled(view: PosedDepth, log_scale: float) -> PosedDepth:
    return replace(view, depth_m_HW=view.depth_m_HW * np.float32(math.exp(log_scale)))


def test_ratio_of_two_views_is_that_of_their_scales(views):
    ratio = scale_between(scaled(views[0], 0.05), views[3])
    assert ratio.ratio == pytest.approx(math.exp(-0.05), rel=2e-3)
    assert ratio.spread < 5e-3


def test_views_with_nothing_in_common_have_no_ratio(views, turn):
    away = replace(views[0], map_from_camera=turn(0.0, (50.0, 0.0, 0.0)))
    assert not scale_between(views[0], away).known


def test_views_of_different_scenes_have_no_ratio(views):
    other = np.random.default_rng(0).uniform(0.5, 6.0, views[0].depth_m_HW.shape)
    assert not scale_between(
        views[0], replace(views[0], depth_m_HW=other.astype(np.float32))
    ).known


def test_scale_that_flickers_by_three_percent_is_held_five_times_steadier(views):
    errors = np.random.default_rng(0).normal(0.0, 0.03, FRAMES)
    scale, left = PoseScale(), []
    for view, error in zip(views, errors):
        left.append(error + math.log(scale.held(scaled(view, error)).factor))
    jitter, left_jitter = np.abs(np.diff(errors)).mean(), np.abs(np.diff(left)).mean()
    assert left_jitter < jitter / 5
    # The consensus is the average of the frames, not the error of the first.
    assert abs(left[-1] - errors.mean()) < 0.003
    assert abs(errors[0] - errors.mean()) > 0.003


def test_right_depth_stays_as_it_is(views):
    scale = PoseScale()
    factors = np.array([scale.held(view).factor for view in views])
    assert np.abs(factors - 1.0).max() < 1e-3


def test_prior_that_is_wrong_by_the_same_factor_drifts_by_a_fraction_of_it(views):
    scale = PoseScale()
    factors = np.array([scale.held(scaled(view, 0.2)).factor for view in views])
    # The distances between poses contradict such depth, so it cannot be as steady as right depth.
    assert np.abs(factors - 1.0).max() < 0.2 / 5


def test_one_frame_with_a_wrong_pose_disturbs_no_other(views, turn):
    scale = PoseScale()
    wrong = replace(views[5], map_from_camera=turn(170.0, (1.0, 0.0, 1.0)))
    factors = [scale.held(wrong if i == 5 else view).factor for i, view in enumerate(views)]
    del factors[5]
    assert np.abs(np.array(factors) - 1.0).max() < 5e-3


def test_reset_forgets_the_frames(views):
    scale = PoseScale()
    scale.held(scaled(views[0], 0.1))
    assert scale.held(views[1]).frames == 1
    scale.reset()
    assert scale.held(views[2]) == HeldScale(factor=1.0, frames=0, spread=0.0)


def test_mapper_holds_the_scale_only_where_it_is_to(views):
    held, loose = TsdfSettings(device='cpu'), TsdfSettings(device='cpu', hold_scale=False)
    for settings, expected in ((held, -0.03), (loose, 0.0)):
        mapper = Mapper(settings)
        mapper.held(views[0], settings)
        view, factor = mapper.held(scaled(views[1], 0.06), settings)
        assert math.log(factor) == pytest.approx(expected, abs=2e-3)
        assert view.depth_m_HW == pytest.approx(scaled(views[1], 0.06).depth_m_HW * factor)


def test_pose_that_is_not_rigid_is_refused_before_it_is_compared(views):
    mapper = Mapper(TsdfSettings(device='cpu'))
    with pytest.raises(PoseError, match='not a rigid motion'):
        mapper.held(replace(views[0], map_from_camera=2 * np.eye(4)), TsdfSettings())
    assert mapper.held(views[0], TsdfSettings())[1] == 1.0


def test_truncation_is_as_wide_as_frames_disagree(views):
    settings = TsdfSettings(voxel_m=0.05, max_range_m=6.0, truncation_spread=3.0)
    rng, shares, errors = np.random.default_rng(0), [], []
    for error in (0.0, 0.02, 0.3):
        mapper = Mapper(settings)
        for view in views[:12]:
            factor_HW = np.exp(rng.normal(0.0, error, view.depth_m_HW.shape))
            depth_m_HW = (view.depth_m_HW * factor_HW).astype(np.float32)
            mapper.held(replace(view, depth_m_HW=depth_m_HW), settings)
        shares.append(mapper.volume.truncation_share)
        errors.append(mapper.volume.error_share)
    assert shares[0] < 0.015
    # Two frames differ by 1.41 times the error, of which 0.67 is the median.
    assert shares[1] == pytest.approx(3 * 0.02 * 1.41 * 0.67, rel=0.15)
    assert shares[2] <= 0.1, 'a median within the reach of the comparison, and the limit'
    assert errors[0] < 0.005
    assert errors[1] == pytest.approx(0.02, rel=0.03)
    mapper.held(views[0], replace(settings, hold_scale=False))
    assert mapper.volume.truncation_share == mapper.volume.error_share == 0.0
