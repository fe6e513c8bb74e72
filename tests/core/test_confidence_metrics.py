# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence beside the errors of depth, on values worked out by hand."""

from depth_refiner_ros.core.confidence_metrics import confidence_figures, mean_confidence_figures
import pytest
import torch

NAN = float('nan')


def test_figures_of_an_image() -> None:
    confidence = torch.tensor([[0.9, 0.5, 0.4, 0.1, 1.0, 1.0, 1.0]])
    depth = torch.tensor([[2.0, 2.2, 3.0, 1.0, NAN, 2.0, 2.0]])
    truth = torch.tensor([[2.0, 2.0, 2.0, 4.0, 2.0, NAN, 0.0]])
    found = confidence_figures(confidence, depth, truth)
    assert found is not None
    assert found.mean == pytest.approx((0.9 + 0.5 + 0.4 + 0.1) / 4)
    assert found.right == pytest.approx(0.5)  # 1.0 and 1.1 are within 1.25, 1.5 and 4 are not
    assert found.sure == pytest.approx(0.5)
    assert found.sure_abs_rel == pytest.approx((0.0 + 0.1) / 2)
    assert found.unsure_abs_rel == pytest.approx((0.5 + 0.75) / 2)


def test_nothing_to_compare() -> None:
    one = torch.ones(1, 1)
    assert confidence_figures(one, one * NAN, one) is None


def test_an_image_without_sure_pixels_does_not_count_for_them() -> None:
    depth = torch.full((1, 2), 2.0)
    all_sure = confidence_figures(torch.ones(1, 2), depth, depth)
    none_sure = confidence_figures(torch.zeros(1, 2), depth, depth / 2)
    assert all_sure is not None
    assert none_sure is not None
    assert none_sure.sure_abs_rel is None
    assert all_sure.unsure_abs_rel is None
    means = mean_confidence_figures([all_sure, none_sure])
    assert means == {
        'sure_from': 0.5,
        'mean': 0.5,
        'right': 0.5,
        'sure': 0.5,
        'sure_abs_rel': 0.0,
        'unsure_abs_rel': 1.0,
    }
