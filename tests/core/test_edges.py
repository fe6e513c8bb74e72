# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.edges import (
    depth_boundaries,
    dilate,
    edge_band,
    flying_pixels,
    near_invalid,
)
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.neighbours import flying_mask
import pytest
import torch


def columns(*values, rows=5):
    return torch.tensor(values).expand(rows, -1)[None, None].contiguous()


def hit_columns(mask):
    assert (mask == mask[..., :1, :]).all(), 'rows differ'
    return mask[0, 0, 0].nonzero().flatten().tolist()


def test_smeared_column_of_a_step_is_flying():
    assert hit_columns(flying_pixels(columns(1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0))) == [3]


def test_falling_and_upright_steps_alike():
    depth_m = columns(3.0, 3.0, 2.0, 1.0, 1.0)
    assert hit_columns(flying_pixels(depth_m)) == [2]
    assert torch.equal(flying_pixels(depth_m.mT), flying_pixels(depth_m).mT)


def test_wide_smear_loses_its_inner_pixels_and_keeps_the_rims():
    assert hit_columns(flying_pixels(columns(1.0, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0))) == [2, 3, 4]


@pytest.mark.parametrize(
    'depth_m',
    [
        columns(1.0, 1.0, 1.0, 3.0, 3.0, 3.0),  # clean step
        columns(3.0, 3.0, 3.0, 1.0, 3.0, 3.0, 3.0),  # pole one pixel wide
        columns(3.0, 3.0, 1.0, 1.0, 3.0, 3.0),  # pole two pixels wide
        columns(1.0, 1.0, 3.0, 1.0, 1.0),  # slit
        columns(2.0, 2.0, 2.0, 2.0),  # wall
        columns(2.0, 2.04, 2.08, 2.12, 2.16, 2.2),  # slanted wall, 2 % per pixel
        columns(1.0, torch.nan, 3.0, torch.nan, 5.0),  # missing depth
        columns(1.0, 2.0),  # too narrow to have an inner pixel
    ],
)
def test_real_surfaces_stay(depth_m):
    assert not flying_pixels(depth_m).any()


def test_threshold_is_the_relative_jump_on_either_side():
    depth_m = columns(1.0, 1.09, 1.3)
    assert hit_columns(flying_pixels(depth_m, rel_jump=0.08)) == [1]
    assert hit_columns(flying_pixels(depth_m, rel_jump=0.1)) == []


def test_longer_reach_finds_slow_smears():
    depth_m = columns(*[1.0] * 4, 1.04, 1.08, 1.12, 1.16, *[1.2] * 4)
    assert hit_columns(flying_pixels(depth_m, rel_jump=0.07)) == []
    assert hit_columns(flying_pixels(depth_m, rel_jump=0.07, reach_px=2)) == [5, 6]


def test_maps_too_narrow_for_the_reach_have_no_inner_pixel(subtests):
    for width in [1, 2, 3, 8, 9, 10, 11]:
        with subtests.test(width=width):
            depth_m = columns(*[1.5**column for column in range(width)], rows=1)
            assert hit_columns(flying_pixels(depth_m, reach_px=5)) == ([5] if width == 11 else [])


def test_boundaries_mark_the_occluding_pixel_or_both():
    depth_m = columns(1.0, 1.0, 1.2, 1.2, 1.0)
    assert hit_columns(depth_boundaries(depth_m, ratio=1.1)) == [1, 4]
    assert hit_columns(depth_boundaries(depth_m, ratio=1.1, side='both')) == [1, 2, 3, 4]
    assert hit_columns(depth_boundaries(depth_m, ratio=1.25, side='both')) == []


def test_missing_depth_makes_no_boundary():
    assert not depth_boundaries(columns(1.0, torch.nan, 3.0), side='both').any()


def test_edge_band_grows_from_both_rims():
    depth_m = columns(*[1.0] * 5, *[2.0] * 5)
    assert hit_columns(edge_band(depth_m, 0)) == [4, 5]
    assert hit_columns(edge_band(depth_m, 2)) == [2, 3, 4, 5, 6, 7]


def test_dilation_is_the_square_maximum(subtests):
    for px in [0, 1, 3, 7, 40]:
        with subtests.test(px=px):
            mask = torch.rand(2, 1, 21, 30, generator=torch.Generator().manual_seed(0)) < 0.01
            before = mask.clone()
            expected = torch.nn.functional.max_pool2d(mask.float(), 2 * px + 1, 1, px) > 0
            assert torch.equal(dilate(mask, px), expected)
            assert torch.equal(mask, before)


def test_near_invalid_counts_pixels_from_the_hole_and_ignores_the_border():
    valid = torch.ones(1, 1, 9, 9, dtype=torch.bool)
    assert not near_invalid(valid, 3).any()
    valid[0, 0, 4, 4] = False
    near = near_invalid(valid, 3)
    assert near.sum() == 49
    assert not near[0, 0, 0].any()
    assert near[0, 0, 1, 1]


def test_bad_arguments_are_named(subtests):
    cases = [
        (lambda: flying_pixels(torch.ones(4, 4)), 'depth: expected shape'),
        (lambda: flying_pixels(torch.ones(1, 1, 4, 4), rel_jump=-0.1), 'rel_jump = -0.1'),
        (lambda: flying_pixels(torch.ones(1, 1, 4, 4), reach_px=0), 'reach_px = 0'),
        (lambda: depth_boundaries(torch.ones(1, 1, 4, 4), ratio=0.9), 'ratio = 0.9'),
        (lambda: depth_boundaries(torch.ones(1, 1, 4, 4), side='far'), "side = 'far'"),
        (lambda: near_invalid(torch.ones(1, 1, 4, 4), 3), 'expected bool, got torch.float32'),
        (lambda: dilate(torch.ones(1, 1, 4, 4), 3), 'expected bool'),
        (lambda: dilate(torch.ones(1, 1, 4, 4, dtype=torch.bool), -1), 'px = -1'),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()


def test_nothing_waits_for_the_device():
    # Meta tensors have no values: any .item(), bool() or boolean index on the way would raise.
    depth_m = torch.empty(2, 1, 24, 32, device='meta')
    assert flying_pixels(depth_m).shape == depth_m.shape
    assert edge_band(depth_m).dtype == torch.bool


@pytest.mark.parametrize('dilate_px', [0, 2])
def test_fusion_without_torch_finds_the_same_pixels(dilate_px):
    generator = torch.Generator().manual_seed(0)
    depth_m_HW = torch.rand(23, 31, generator=generator) + 1.0
    depth_m_HW[torch.rand(23, 31, generator=generator) < 0.1] = torch.nan
    expected = flying_pixels(depth_m_HW[None, None], rel_jump=0.2, dilate_px=dilate_px)
    assert 0 < expected.sum() < expected.numel()
    found_HW = flying_mask(depth_m_HW.numpy(), rel_jump=0.2, dilate_px=dilate_px)
    assert torch.equal(torch.from_numpy(found_HW), expected[0, 0])
