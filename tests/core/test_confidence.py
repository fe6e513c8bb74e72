# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import math

from depth_refiner_ros.core.confidence import (
    confidence_of,
    confidence_of_spread,
    REACH_PX,
    relative_difference,
    UNALIGNED,
)
from depth_refiner_ros.core.types import FitStatus, ScaleShift
import torch


def fit(*statuses):
    count = len(statuses)
    return ScaleShift(
        scale_B=torch.ones(count),
        shift_B=torch.zeros(count),
        inliers_B=torch.ones(count, dtype=torch.int64),
        rmse_B=torch.zeros(count),
        status_B=torch.tensor([int(status) for status in statuses]),
    )


def test_difference_is_a_ratio():
    depth = torch.tensor([[[[2.0, 4.0, 1.0, 8.0, 2.0 * 2.0**0.5, -1.0, math.nan]]]])
    prior = torch.full_like(depth, 2.0)
    expected = torch.tensor([[[[0.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0]]]])
    torch.testing.assert_close(relative_difference(depth, prior), expected)


def test_confidence_is_agreement_where_all_is_known():
    difference = torch.tensor([[[[0.0, 0.25, 1.0]]]])
    known = torch.ones(1, 1, 1, 3, dtype=torch.bool)
    confidence = confidence_of(difference, known, fit(FitStatus.OK))
    torch.testing.assert_close(confidence, 1.0 - difference)


def test_an_image_without_a_fit_is_hardly_trusted():
    known = torch.ones(2, 1, 3, 3, dtype=torch.bool)
    confidence = confidence_of(
        torch.zeros(2, 1, 3, 3), known, fit(FitStatus.OK, FitStatus.CONSTANT)
    )
    assert bool((confidence[0] == 1.0).all())
    torch.testing.assert_close(confidence[1], torch.full((1, 3, 3), UNALIGNED))


def test_confidence_falls_inside_a_hole_and_ends_at_zero():
    known = torch.ones(1, 1, 41, 80, dtype=torch.bool)
    known[..., 30:] = False
    row = confidence_of(torch.zeros(1, 1, 41, 80), known, fit(FitStatus.OK))[0, 0, 20]
    assert bool((row[:30] == 1.0).all())
    # One column inside: REACH_PX of the window's columns are known.
    torch.testing.assert_close(row[30], torch.tensor(REACH_PX / (2 * REACH_PX + 1)))
    assert bool((row[30:].diff() <= 0.0).all())
    assert bool((row[30 + REACH_PX :] == 0.0).all())


def test_in_a_hole_confidence_is_the_known_share_of_the_window_in_the_image():
    known = torch.rand(2, 1, 30, 41, generator=torch.Generator().manual_seed(0)) < 0.4
    confidence = confidence_of(torch.zeros(2, 1, 30, 41), known, fit(FitStatus.OK, FitStatus.OK))
    for row, column in ((0, 0), (3, 40), (29, 7), (15, 20)):
        window = known[
            ...,
            max(0, row - REACH_PX) : row + REACH_PX + 1,
            max(0, column - REACH_PX) : column + REACH_PX + 1,
        ]
        share = torch.where(
            known[..., row, column].flatten(), 1.0, window.float().mean(dim=(1, 2, 3))
        )
        torch.testing.assert_close(confidence[..., row, column].flatten(), share)


def test_confidence_of_a_spread_is_the_share_of_draws_within_a_quarter():
    spread = torch.tensor([0.05, 0.15, 0.36, 1.0])
    torch.manual_seed(0)
    errors = torch.distributions.Laplace(torch.zeros(4), spread).sample((200_000,))
    share = (errors.abs() < math.log(1.25)).float().mean(dim=0)
    torch.testing.assert_close(confidence_of_spread(spread), share, rtol=0, atol=5e-3)
    assert 0.0 <= float(confidence_of_spread(torch.tensor(1e30)))
    assert float(confidence_of_spread(torch.tensor(1e-30))) == 1.0
