# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import itertools

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.gating import (
    difference_map,
    DifferenceRule,
    downsample_difference,
    gate_latent,
    OFFICIAL_CODE,
    PAPER,
    select_agreeing,
)
import pytest
import torch
import torch.nn.functional as F

RULES = pytest.mark.parametrize('rule', [OFFICIAL_CODE, PAPER, DifferenceRule('lstsq', 'max')])


def row(*values):
    return torch.tensor(values).view(1, 1, 1, -1)


def test_official_difference_is_divided_by_its_maximum():
    e = difference_map(row(0.0, 1.0, -1.0), row(0.1, 1.0, -0.6), rule=OFFICIAL_CODE)
    torch.testing.assert_close(e, row(0.25, 0.0, 1.0))


def test_paper_difference_is_in_units_of_the_metric_range():
    # d-tilde 0 5 10 moves to the range 2..6 of d as 2 4 6; |2 - 2|, |4 - 5|, |6 - 6| over 4.
    e = difference_map(row(2.0, 5.0, 6.0), row(0.0, 5.0, 10.0), rule=PAPER)
    torch.testing.assert_close(e, row(0.0, 0.25, 0.0))


def test_each_image_has_its_own_maximum():
    metric = torch.zeros(2, 1, 1, 2)
    relative = torch.tensor([[0.0, 1.0], [0.0, 100.0]]).view(2, 1, 1, 2)
    e = difference_map(metric, relative, rule=OFFICIAL_CODE)
    assert e.flatten(1).tolist() == [[0.0, 1.0], [0.0, 1.0]]


@RULES
def test_equal_maps_show_no_difference(rule):
    metric = torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(0))
    assert difference_map(metric, metric, rule=rule).abs().max() < 1e-6


@RULES
def test_constant_maps_do_not_divide_by_zero(rule):
    metric = torch.full((1, 1, 4, 4), 2.0)
    assert torch.equal(difference_map(metric, metric, rule=rule), torch.zeros(1, 1, 4, 4))


@RULES
def test_unknown_pixels_disagree_fully_and_do_not_set_the_scale(rule):
    metric = row(0.0, 0.5, 1.0, torch.nan, 0.2)
    relative = row(0.0, 0.7, 1.0, 9.0, torch.inf)
    e = difference_map(metric, relative, rule=rule)
    assert e[0, 0, 0, 3:].tolist() == [1.0, 1.0]
    torch.testing.assert_close(
        e[..., :3], difference_map(metric[..., :3], relative[..., :3], rule=rule)
    )


@RULES
def test_map_without_any_value_disagrees_fully(rule):
    nothing = torch.full((1, 1, 3, 3), torch.nan)
    assert (difference_map(nothing, torch.ones(1, 1, 3, 3), rule=rule) == 1).all()


def test_latent_size_is_the_ceiling(subtests):
    for size, mode in itertools.product(
        [(16, 24), (17, 24), (16, 31), (9, 9), (8, 1), (480, 637)], ['nearest', 'area']
    ):
        with subtests.test(size=size, mode=mode):
            e = downsample_difference(torch.rand(2, 1, *size), 8, mode=mode)
            assert e.shape == (2, 1, -(-size[0] // 8), -(-size[1] // 8))


def test_nearest_takes_the_top_left_pixel_as_interpolate_does():
    e = torch.arange(16 * 24, dtype=torch.float32).view(1, 1, 16, 24)
    small = downsample_difference(e, 8, mode='nearest')
    assert small.flatten().tolist() == [0.0, 8.0, 16.0, 192.0, 200.0, 208.0]
    torch.testing.assert_close(small, F.interpolate(e, scale_factor=1 / 8))


def test_nearest_equals_padding_by_replication_first():
    e = torch.rand(1, 1, 21, 35, generator=torch.Generator().manual_seed(1))
    padded = F.pad(e, (0, 5, 0, 3), mode='replicate')
    assert torch.equal(downsample_difference(e, 8), F.interpolate(padded, scale_factor=1 / 8))


def test_area_is_the_mean_of_the_pixels_that_the_cell_has():
    e = row(1.0, 3.0, 5.0)
    assert downsample_difference(e, 2, mode='area').flatten().tolist() == [2.0, 5.0]


def test_gate_limits_and_the_blend_between():
    generator = torch.Generator().manual_seed(2)
    latent, noise = torch.randn(2, 2, 4, 3, 5, generator=generator)
    ones = torch.ones(2, 1, 3, 5)
    assert torch.equal(gate_latent(latent, 0 * ones, noise), latent)
    assert torch.equal(gate_latent(latent, ones, noise), noise)
    torch.testing.assert_close(
        gate_latent(latent, 0.25 * ones, noise), 0.25 * noise + 0.75 * latent
    )


def test_gate_is_per_pixel_and_shared_by_channels():
    e = torch.tensor([[0.0, 1.0]]).view(1, 1, 1, 2)
    gated = gate_latent(torch.full((1, 4, 1, 2), 7.0), e, torch.full((1, 4, 1, 2), -1.0))
    assert gated[0, :, 0].tolist() == [[7.0, -1.0]] * 4


def test_only_agreeing_pixels_are_selected():
    mask, fallback = select_agreeing(row(0.0, 0.49, 0.5, 1.0), min_pixels=2)
    assert mask.flatten().tolist() == [True, True, False, False]
    assert fallback.tolist() == [False]


def test_a_threshold_of_1_takes_every_pixel():
    mask, fallback = select_agreeing(row(0.0, 0.5, 1.0, torch.inf), 1.0, min_pixels=2)
    assert mask.flatten().tolist() == [True] * 4
    assert fallback.tolist() == [False]


def test_too_few_agreeing_pixels_fall_back_to_all_and_are_told():
    e = torch.tensor([[0.1, 0.9, 0.9], [0.1, 0.1, 0.9]]).view(2, 1, 1, 3)
    mask, fallback = select_agreeing(e, min_pixels=2)
    assert fallback.tolist() == [True, False]
    assert mask.flatten(1).tolist() == [[True, True, True], [True, True, False]]


def test_bad_arguments_are_named(subtests):
    cases = [
        (lambda: DifferenceRule(align='mean'), "align = 'mean'"),
        (lambda: DifferenceRule(scale='std'), "scale = 'std'"),
        (lambda: difference_map(row(1.0), row(1.0, 2.0)), 'relative depth: shape'),
        (lambda: downsample_difference(row(1.0), 8, mode='linear'), "mode = 'linear'"),
        (lambda: downsample_difference(row(1.0), 0), 'factor = 0'),
        (
            lambda: gate_latent(
                torch.ones(1, 4, 2, 2), torch.ones(1, 1, 4, 4), torch.ones(1, 4, 2, 2)
            ),
            r'expected shape \(1, 1, 2, 2\).*got \(1, 1, 4, 4\)',
        ),
        (
            lambda: gate_latent(
                torch.ones(1, 4, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1, 4, 2, 3)
            ),
            'noise: shape',
        ),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()


@RULES
def test_nothing_waits_for_the_device(rule):
    # Meta tensors have no values: any .item(), bool() or boolean index on the way would raise.
    depth = torch.empty(2, 1, 24, 32, device='meta')
    e = difference_map(depth, depth, rule=rule)
    latent = torch.empty(2, 4, 3, 4, device='meta')
    assert gate_latent(latent, downsample_difference(e), latent).shape == latent.shape
    assert select_agreeing(e)[1].shape == (2,)
