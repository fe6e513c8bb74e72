# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sharp outlines are, and which depth was enlarged."""

from depth_refiner_ros.core.sharpness import on_a_coarse_grid, sharpness
import pytest
import torch


def ramp(px, height=40, width=60):
    """Return 2 m and 3 m, with so many pixels between them."""
    column = torch.arange(float(width))
    return 2.0 + ((column - width / 2 + 0.5) / px + 0.5).clamp(0.0, 1.0).expand(
        1, 1, height, width
    )


def uneven(height=40, width=60):
    return torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(0)) + 2.0


@pytest.mark.parametrize('px', [1, 2, 4, 8])
def test_an_outline_over_n_pixels_has_one_over_n(px):
    for depth in (ramp(px, 60, 60), ramp(px, 60, 60).mT):
        middle = sharpness(depth, 4)[..., 7, 7]
        assert float(middle) == pytest.approx(1.0 / px, rel=1e-4)
        torch.testing.assert_close(sharpness(100.0 * depth, 4)[..., 7, 7], middle)


def test_where_an_outline_lies_between_cells_does_not_matter():
    for begin in range(12, 20):
        column = torch.arange(40.0)
        depth = 2.0 + 0.1 * (column - begin).clamp(0.0, 12.0).expand(1, 1, 40, 40)
        found = sharpness(depth, 4)
        assert found.max() <= 1.0
        torch.testing.assert_close(found, sharpness(depth.mT, 4).mT)


@pytest.mark.parametrize('size', [(3, 5), (8, 8), (23, 30)])
def test_there_is_a_cell_for_every_pixel(size):
    found = sharpness(uneven(*size), 4)
    assert found.shape[-2:] == tuple(-(-side // 4) for side in size)
    assert found.isfinite().all()
    assert sharpness(torch.full((1, 1, *size), 2.0), 4).abs().max() == 0.0


def test_a_cell_may_be_a_pixel():
    assert sharpness(uneven(8, 9), 1).shape == (1, 1, 8, 9)


def test_outlines_far_away_do_not_count():
    depth = ramp(1, width=80)
    assert sharpness(depth, 4)[..., :7].abs().max() == 0.0


@pytest.mark.parametrize(
    ('rows', 'columns', 'coarse'),
    [(1, 1, False), (2, 2, True), (3, 3, True), (1.25, 1.25, True), (2, 1, True), (1, 2, True)],
)
def test_depth_that_repeats_its_pixels_was_enlarged(rows, columns, coarse):
    small = uneven()
    small[..., 3:20, 10:14] = torch.nan
    size = [round(side * factor) for side, factor in zip(small.shape[-2:], (rows, columns))]
    depth = torch.nn.functional.interpolate(small, size, mode='nearest-exact')
    depth[..., :8] = torch.nan  # a border that nothing measures says nothing
    assert on_a_coarse_grid(depth).tolist() == [coarse]


def test_depth_in_steps_of_its_sensor_was_not_enlarged():
    steps = (uneven(120, 160) * 8.0).round() / 8.0
    assert on_a_coarse_grid(torch.cat([steps, torch.full_like(steps, torch.nan)])).tolist() == [
        False,
        False,
    ]
