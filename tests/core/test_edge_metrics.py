# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
from depth_refiner_ros.core.edge_metrics import (
    annotated_edge_metrics,
    boundary_errors,
    edge_metrics,
)
from depth_refiner_ros.core.errors import InputError
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt
from skimage.feature import canny
import torch


def step(column=40, near_m=1.0, far_m=3.0, size=(60, 80)):
    depth_m = torch.full(size, far_m)
    depth_m[:, :column] = near_m
    return depth_m


def edge_map(*columns, size=(20, 60)):
    edges = np.zeros(size, dtype=bool)
    edges[:, list(columns)] = True
    return edges


def test_hand_computed_distances():
    # True edges at 10 and 30; predicted at 12 and 29 (2 and 1 px off) and at 50 (20 px, not
    # counted). Completeness: from 10 to 12, from 30 to 29.
    found = boundary_errors(edge_map(12, 29, 50), edge_map(10, 30))
    assert found.dbe_acc_px == pytest.approx(1.5)
    assert found.dbe_compl_px == pytest.approx(1.5)
    assert (found.gt_edges, found.pred_edges, found.fallback) == (40, 60, False)


def test_completeness_has_no_cap():
    found = boundary_errors(edge_map(10), edge_map(10, 50))
    assert found.dbe_acc_px == 0
    assert found.dbe_compl_px == pytest.approx(20.0)
    assert found.edge_recall == 0.5


def test_ten_pixels_are_too_far_and_fall_back():
    assert boundary_errors(edge_map(19), edge_map(10)).dbe_acc_px == pytest.approx(9.0)
    far = boundary_errors(edge_map(20), edge_map(10))
    assert far.fallback
    assert (far.dbe_acc_px, far.dbe_compl_px) == (10.0, 10.0)


def test_recall_counts_true_edges_met_within_two_pixels():
    assert boundary_errors(edge_map(12, 33), edge_map(10, 30)).edge_recall == 0.5
    assert boundary_errors(edge_map(59), edge_map(10)).edge_recall == 0.0


def room(seed):
    generator = torch.Generator().manual_seed(seed)
    depth_m = torch.linspace(2.0, 6.0, 90)[:, None].repeat(1, 120)
    for _ in range(9):
        top, left = (int(torch.randint(0, size, (), generator=generator)) for size in (80, 110))
        depth_m[top : top + 25, left : left + 18] = 0.8 + 4 * torch.rand((), generator=generator)
    return depth_m


@pytest.mark.parametrize('seed', range(4))
def test_complete_ground_truth_gives_the_official_figure(seed):
    gt_m, pred_m = room(seed), room(seed).roll((1, 2), (0, 1)) + 0.3 * room(seed + 50)

    def edges_of(depth_m):
        # SharpDepth's metric.py in its own order, straight on the arrays.
        found = np.zeros(depth_m.shape, dtype=bool)
        for values in (depth_m, 1.0 / np.maximum(depth_m, 1e-6)):
            unit = (values - values.min()) / (values.max() - values.min())
            found |= canny(unit, sigma=np.sqrt(2), low_threshold=0.1, high_threshold=0.2)
        return found

    gt_edges, pred_edges = edges_of(gt_m.double().numpy()), edges_of(pred_m.double().numpy())
    to_gt = distance_transform_edt(1 - gt_edges)
    to_pred = distance_transform_edt(1 - pred_edges)
    close = pred_edges * (to_gt < 10)
    found = edge_metrics(pred_m, gt_m)
    assert found.dbe_acc_px == pytest.approx((to_gt * close).sum() / close.sum())
    assert found.dbe_compl_px == pytest.approx((to_pred * gt_edges).sum() / gt_edges.sum())
    assert found.dbe_acc_px > 0.3


def test_equal_maps_give_zero():
    found = edge_metrics(step(), step())
    assert (found.dbe_acc_px, found.dbe_compl_px) == (0.0, 0.0)
    assert found.gt_edges == found.pred_edges > 50


@pytest.mark.parametrize('shift_px', [1, 2, 5, 8])
def test_shifted_step_gives_its_shift(shift_px):
    found = edge_metrics(step(40 + shift_px), step(40))
    # Canny marks both rims of an ideal step: of two pixels one is off by k, one by k - 1.
    assert found.dbe_acc_px == pytest.approx(shift_px - 0.5)
    assert found.dbe_compl_px == pytest.approx(shift_px - 0.5)


def test_blank_prediction_takes_the_fallback_and_says_so():
    found = edge_metrics(torch.full((60, 80), 2.0), step())
    assert found.fallback
    assert (found.dbe_acc_px, found.dbe_compl_px) == (10.0, 10.0)
    assert found.pred_edges == 0


def test_no_true_edge_is_skipped_and_says_so():
    found = edge_metrics(step(), torch.full((60, 80), 2.0))
    assert found.skipped == 'no_gt_edges'
    assert found.dbe_acc_px is None
    assert found.dbe_compl_px is None


def test_disparity_adds_near_edges_that_depth_hides():
    # 0.5 to 0.6 m is 0.6 % of the depth range to 18 m but 17 % of the disparity range.
    gt_m = step(20, near_m=0.5, far_m=0.6)
    gt_m[:, 50:] = 18.0
    pred_m = gt_m.clone()
    pred_m[:, :50] = 0.6
    assert edge_metrics(gt_m, gt_m).gt_edges > edge_metrics(pred_m, pred_m).gt_edges
    assert edge_metrics(pred_m, gt_m).dbe_compl_px > 5


@pytest.mark.parametrize('bad', [0.0, -3.0, torch.nan, torch.inf])
def test_unusable_predicted_pixels_do_not_flatten_the_edges_and_are_counted(bad):
    pred_m = step()
    pred_m[5:7, 5:7] = bad
    found = edge_metrics(pred_m, step())
    assert found.guarded == 4
    assert (found.dbe_acc_px, found.dbe_compl_px) == (0.0, 0.0)


def test_prediction_without_any_usable_pixel_falls_back():
    found = edge_metrics(torch.full((60, 80), torch.nan), step())
    assert found.fallback
    assert found.guarded == 60 * 80


def test_prediction_may_not_hide_edges_by_leaving_pixels_out():
    pred_m = step(34)
    pred_m[:, 30:36] = torch.nan
    found = edge_metrics(pred_m, step(40))
    assert found.gt_edges == edge_metrics(step(40), step(40)).gt_edges
    assert found.dbe_compl_px > 5


def test_holes_make_no_edges_of_their_own():
    gt_m = step()
    gt_m[10:30, 5:25] = torch.nan
    found = edge_metrics(step(), gt_m)
    assert (found.dbe_acc_px, found.dbe_compl_px) == (0.0, 0.0)
    assert found.gt_edges == edge_metrics(step(), step()).gt_edges
    flat_m = torch.full((60, 80), 2.0)
    flat_m[10:30, 5:25] = torch.nan
    assert edge_metrics(step(), flat_m).skipped == 'no_gt_edges'


def test_edges_within_three_pixels_of_a_hole_are_left_out_on_both_sides():
    gt_m = step()
    gt_m[:30, 41:46] = torch.nan
    found = edge_metrics(step(), gt_m)
    whole = edge_metrics(step(), step())
    assert found.gt_edges == found.pred_edges
    # The hole covers rows 0..29 and its margin 3 more; Canny marks both rims, not in row 0.
    assert whole.gt_edges - found.gt_edges == 2 * 32


def test_prediction_inside_a_hole_counts_nowhere():
    gt_m = step()
    gt_m[10:50, 5:30] = torch.nan
    pred_m = step()
    pred_m[20:40, 12:22] = 0.2
    pred_m[30, 15] = 500.0
    found = edge_metrics(pred_m, gt_m)
    assert (found.dbe_acc_px, found.dbe_compl_px) == (0.0, 0.0)


def test_valid_mask_makes_holes():
    valid = torch.ones(60, 80, dtype=torch.bool)
    valid[10:30, 5:25] = False
    gt_m = step()
    gt_m[10:30, 5:25] = 90.0
    assert edge_metrics(step(), gt_m, valid).dbe_compl_px == 0.0


def test_sparse_ground_truth_gets_no_figure():
    gt_m = step()
    gt_m[torch.rand(60, 80, generator=torch.Generator().manual_seed(0)) < 0.95] = torch.nan
    found = edge_metrics(step(), gt_m)
    assert found.skipped == 'sparse'
    assert found.dbe_acc_px is None


def test_ground_truth_without_any_pixel_gets_no_figure():
    assert edge_metrics(step(), torch.full((60, 80), torch.nan)).skipped == 'sparse'


def test_annotated_edges():
    edges = torch.zeros(60, 80, dtype=torch.uint8)
    edges[2:58, 43] = 1
    found = annotated_edge_metrics(step(40), edges)
    # Canny marks columns 39 and 40: 4 and 3 px off, and the nearer of them is 3 px from 43.
    assert found.dbe_acc_px == pytest.approx(3.5, abs=0.01)
    assert found.dbe_compl_px == pytest.approx(3.0)
    assert annotated_edge_metrics(step(), torch.zeros(60, 80)).skipped == 'no_gt_edges'


def test_zero_in_the_prediction_is_no_depth_for_annotated_edges():
    edges = torch.zeros(60, 80)
    edges[2:58, 40] = 1
    pred_m = step(40)
    pred_m[30, 10] = 0.0
    found = annotated_edge_metrics(pred_m, edges)
    assert found.guarded == 1
    assert found.dbe_acc_px <= 1.0


def test_bad_arguments_are_named(subtests):
    cases = [
        (
            lambda: edge_metrics(torch.ones(1, 4, 4), torch.ones(4, 4)),
            'prediction: expected shape',
        ),
        (lambda: edge_metrics(torch.ones(4, 4), torch.ones(4, 5)), 'ground truth: shape'),
        (
            lambda: edge_metrics(torch.ones(4, 4), torch.ones(4, 4), torch.ones(2, 2)),
            'valid: shape',
        ),
        (lambda: annotated_edge_metrics(torch.ones(4, 4), torch.ones(5, 4)), 'edges: shape'),
        (lambda: boundary_errors(edge_map(1), edge_map()), 'at least one ground truth edge'),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()
