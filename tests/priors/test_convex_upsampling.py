# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fine pixels as convex combinations of coarse cells, against loops over pixels."""

from depth_refiner_ros.priors.convex_upsampling import ConvexUpsampling, upsampled
import pytest
import torch

FACTOR, ROWS, COLUMNS = 3, 4, 5


@pytest.fixture
def maps():
    return torch.rand(2, 2, ROWS, COLUMNS, generator=torch.Generator().manual_seed(0))


def logits(seed=1):
    size = 2, 9, FACTOR, FACTOR, ROWS, COLUMNS
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * 3.0


def by_loops(maps, logits):
    fine = torch.zeros(2, 2, ROWS * FACTOR, COLUMNS * FACTOR)
    for y in range(ROWS * FACTOR):
        for x in range(COLUMNS * FACTOR):
            row, column = y // FACTOR, x // FACTOR
            weights = logits[:, :, y % FACTOR, x % FACTOR, row, column].softmax(dim=1)
            for place in range(9):
                there = (
                    min(max(row + place // 3 - 1, 0), ROWS - 1),
                    min(max(column + place % 3 - 1, 0), COLUMNS - 1),
                )
                fine[..., y, x] += weights[:, place, None] * maps[..., there[0], there[1]]
    return fine


def test_every_pixel_is_the_combination_of_its_nine_cells(maps):
    torch.testing.assert_close(upsampled(maps, logits()), by_loops(maps, logits()))


def test_flat_stays_flat_and_nothing_overshoots(maps):
    torch.testing.assert_close(
        upsampled(torch.full_like(maps, 2.5), logits()),
        torch.full((2, 2, ROWS * FACTOR, COLUMNS * FACTOR), 2.5),
    )
    fine = upsampled(maps, 100.0 * logits())
    assert maps.min() <= fine.min()
    assert fine.max() <= maps.max()


def test_weights_see_coarse_and_fine_features():
    torch.manual_seed(0)
    network = ConvexUpsampling(8, 6, FACTOR).requires_grad_(False)
    coarse, fine = torch.rand(1, 8, ROWS, COLUMNS), torch.rand(1, 6, 2 * ROWS, 2 * COLUMNS)
    given = network(coarse, fine)
    assert given.shape == (1, 9, FACTOR, FACTOR, ROWS, COLUMNS)
    assert not torch.equal(given, network(1.0 - coarse, fine))
    # A fine pixel counts for the cell that it lies in, and for no other.
    fine[..., 2, 3] += 1.0
    difference = (network(coarse, fine) - given).abs().amax(dim=(0, 1, 2, 3))
    assert difference[1, 1] > 0.0
    assert float(difference.sum() - difference[1, 1]) == 0.0
