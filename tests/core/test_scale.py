# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.scale import scale_ratio, ScaleHealth, ScaleLock
import pytest
import torch


def depth(seed=0, size=(32, 48)):
    return 1 + torch.rand(1, 1, *size, generator=torch.Generator().manual_seed(seed))


def test_ratio_is_the_median_over_the_overlap():
    reference_m = 1.5 * depth()
    reference_m[..., :20] = torch.nan
    seen_m = depth()
    seen_m[..., 40:] = torch.nan
    seen_m[..., 20:22] = 0.0
    compared = scale_ratio(seen_m, reference_m, stride=1)
    assert compared.ratio == pytest.approx(1.5, rel=1e-6)
    assert compared.spread < 1e-6
    assert compared.pixels == 32 * 18


def test_outliers_move_the_ratio_little_and_another_scene_spreads_it():
    reference_m = 2.0 * depth()
    reference_m[..., :9] *= 30
    assert scale_ratio(depth(), reference_m).ratio == pytest.approx(2.0, rel=1e-3)
    assert scale_ratio(depth(0), depth(1)).spread > 0.1


def test_too_little_overlap_has_no_ratio():
    compared = scale_ratio(depth(size=(4, 4)), depth(size=(4, 4)), stride=1)
    assert math.isnan(compared.ratio)
    assert compared.pixels == 16
    assert not compared.known


def test_health_smooths_and_warns_on_a_jump():
    health = ScaleHealth(jump=0.1, momentum=0.5)
    first = health.update(depth(), depth())
    assert math.isnan(first.running)
    assert not first.jump
    second = health.update(depth(), 1.08 * depth())
    assert second.running == pytest.approx(1.0)
    assert not second.jump
    third = health.update(depth(), 1.3 * depth())
    assert third.running == pytest.approx(1.08**0.5)
    assert third.jump
    fourth = health.update(depth(), depth())
    assert fourth.running == pytest.approx(1.08**0.5), 'one jump must not move the running ratio'
    assert (fourth.jump, fourth.jumps) == (False, 1)


def test_health_takes_a_lasting_change_as_the_new_normal():
    health = ScaleHealth(jump=0.1)
    readings = [health.update(depth(), ratio * depth()) for ratio in (1, 2, 2, 2, 2)]
    assert [reading.jump for reading in readings] == [False, True, True, True, False]
    assert readings[-1].running == pytest.approx(2.0)


def test_health_does_not_settle_on_jumps_that_do_not_last():
    health = ScaleHealth(jump=0.1)
    readings = [health.update(depth(), ratio * depth()) for ratio in (1, 2, 1, 2, 1, 2, 1)]
    assert readings[-1].jumps == 3
    assert readings[-1].running == pytest.approx(1.0)


def test_health_passes_over_frames_without_overlap_and_resets():
    health = ScaleHealth()
    nothing = torch.full((1, 1, 32, 48), torch.nan)
    health.update(depth(), 2 * depth())
    blind = health.update(depth(), nothing)
    assert math.isnan(blind.now.ratio)
    assert not blind.jump
    assert health.update(depth(), 2 * depth()).running == pytest.approx(2.0)
    health.reset()
    assert math.isnan(health.update(depth(), depth()).running)


def test_lock_without_a_past_hands_the_map_through_and_forgets():
    lock, depth_m = ScaleLock(), depth()
    lock.apply(2 * depth_m, 0.5)
    assert lock.apply(depth_m, 0.0) is depth_m
    assert torch.equal(lock.apply(depth_m, 0.5), depth_m)
    assert lock.factor == 1.0


def test_lock_is_the_average_of_log_scales():
    lock = ScaleLock()
    assert torch.equal(lock.apply(depth(), 0.75), depth())
    held_m = lock.apply(1.2 * depth(), 0.75)
    torch.testing.assert_close(held_m, 1.2**0.25 * depth())
    assert lock.factor == pytest.approx(1.2**-0.75, rel=1e-6)


def test_lock_calms_flicker():
    generator = torch.Generator().manual_seed(3)
    logs = 0.1 * torch.randn(200, generator=generator)
    lock = ScaleLock()
    held_logs = torch.stack(
        [(lock.apply(depth() * log.exp(), 0.7) / depth()).median().log() for log in logs]
    )
    # Variance of an exponential average of white noise: (1 - m) / (1 + m) = 0.176.
    assert held_logs.std() / logs.std() == pytest.approx(0.176**0.5, rel=0.15)


def test_lock_lags_by_the_stated_amount_on_approach():
    lock = ScaleLock()
    for frame in range(30):
        true_m = depth() * 0.98**frame
        held_m = lock.apply(true_m, 0.5)
    assert (held_m / true_m).median().item() == pytest.approx(1 / 0.98, rel=1e-4)


def test_lock_lets_go_of_another_scene_size_or_blind_frame():
    lock = ScaleLock()
    lock.apply(depth(0), 0.7)
    assert torch.equal(lock.apply(3 * depth(1), 0.7), 3 * depth(1))
    assert torch.equal(lock.apply(depth(size=(16, 48)), 0.7), depth(size=(16, 48)))
    blind = torch.full((1, 1, 16, 48), torch.nan)
    assert torch.isnan(lock.apply(blind, 0.7)).all()
    assert torch.equal(lock.apply(depth(size=(16, 48)), 0.7), depth(size=(16, 48)))


def test_bad_arguments_are_named(subtests):
    cases = [
        (lambda: ScaleLock(max_spread=-1.0), 'max_spread = -1.0'),
        (lambda: ScaleLock().apply(depth(), 1.0), 'momentum = 1.0'),
        (lambda: ScaleHealth(momentum=-0.1), 'momentum = -0.1'),
        (lambda: ScaleHealth(jump=-1.0), 'jump = -1.0'),
        (lambda: scale_ratio(depth(), depth(size=(4, 4))), 'reference: shape'),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()
