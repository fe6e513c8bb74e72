# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
import json
import math

from depth_refiner_ros.core.edge_metrics import EdgeMetrics
from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.core.metrics import DEPTH_FIGURES, depth_metrics, MetricMean
import pytest
import torch


def row(*values):
    return torch.tensor([values], dtype=torch.float64)


def test_hand_computed_errors():
    # p / g = 1.2, 0.5, 1: |p - g| / g = 0.2, 0.5, 0; squares 0.04, 4, 0.
    found = depth_metrics(row(1.2, 2.0, 3.0), row(1.0, 4.0, 3.0))
    assert found.abs_rel == pytest.approx(0.7 / 3)
    assert found.rmse_m == pytest.approx(math.sqrt(4.04 / 3))
    logs = [math.log(1.2), math.log(0.5), 0.0]
    mean = sum(logs) / 3
    assert found.si_log == pytest.approx(
        100 * math.sqrt(sum(log**2 for log in logs) / 3 - mean**2)
    )
    assert (found.delta1, found.delta2, found.delta3) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (found.pixels, found.missing, found.clipped) == (3, 0, 0)


def test_deltas_are_strict_powers():
    found = depth_metrics(row(1.25, 1.24, 1.5, 1.9, 2.1), row(1.0, 1.0, 1.0, 1.0, 1.0))
    assert (found.delta1, found.delta2, found.delta3) == pytest.approx((0.2, 0.6, 0.8))


def test_equal_maps_are_perfect():
    gt_m = 1 + torch.rand(5, 6)
    found = depth_metrics(gt_m, gt_m)
    assert [getattr(found, name) for name in DEPTH_FIGURES] == [0, 0, 0, 1, 1, 1]


def test_si_log_ignores_scale_and_the_others_do_not():
    gt_m = 1 + torch.rand(5, 6)
    found = depth_metrics(1.1 * gt_m, gt_m)
    assert found.si_log == pytest.approx(0, abs=1e-3)
    assert found.abs_rel == pytest.approx(0.1, rel=1e-5)


def test_missing_ground_truth_and_range_are_left_out():
    gt_m = row(1.0, torch.nan, torch.inf, 0.0, -1.0, 11.0, 2.0)
    found = depth_metrics(row(1.0, 9.0, 9.0, 9.0, 9.0, 9.0, 2.0), gt_m, range_m=(1e-3, 10.0))
    assert found.pixels == 2
    assert found.abs_rel == 0


def test_valid_mask_is_respected():
    found = depth_metrics(row(1.0, 9.0), row(1.0, 1.0), torch.tensor([[True, False]]))
    assert (found.pixels, found.abs_rel) == (1, 0)


def test_predictions_are_clipped_to_the_range_and_counted():
    found = depth_metrics(
        row(20.0, torch.inf, -1.0, 5.0), row(9.0, 9.0, 2.0, 5.0), range_m=(1.0, 10.0)
    )
    assert found.clipped == 3
    assert found.abs_rel == pytest.approx((1 / 9 + 1 / 9 + 1 / 2) / 4)


def test_without_clipping_only_the_logarithm_is_kept_possible():
    found = depth_metrics(row(20.0, -1.0), row(10.0, 2.0), range_m=(1.0, 15.0), clip=False)
    assert (found.pixels, found.clipped) == (2, 1)
    assert found.abs_rel == pytest.approx((1.0 + (2.0 - 1e-6) / 2.0) / 2)
    assert math.isfinite(found.si_log)


def test_missing_prediction_is_counted_not_compared():
    found = depth_metrics(row(torch.nan, torch.inf, 2.0), row(1.0, 1.0, 2.0))
    assert (found.pixels, found.missing) == (1, 2)
    assert found.abs_rel == 0


@pytest.mark.parametrize('gt_m', [row(torch.nan, 0.0), row(-1.0, torch.inf)])
def test_nothing_to_compare_gives_nan_and_a_count(gt_m):
    found = depth_metrics(row(1.0, 2.0), gt_m)
    assert all(math.isnan(getattr(found, name)) for name in DEPTH_FIGURES)
    assert found.pixels == 0


def test_mean_counts_each_image_the_same():
    gathered = MetricMean()
    gathered.add(depth_metrics(row(1.1), row(1.0)))
    gathered.add(depth_metrics(row(1.3, 1.3, 1.3), row(1.0, 1.0, 1.0)))
    assert gathered.mean()['abs_rel'] == pytest.approx(0.2)
    assert gathered.std()['abs_rel'] == pytest.approx(math.sqrt(0.02))
    assert gathered.mean()['dbe_acc_px'] is None


def test_mean_counts_empty_images_fallbacks_and_skips():
    gathered = MetricMean()
    depth = depth_metrics(row(1.0, torch.nan, -5.0), row(1.0, 1.0, 1.0))
    gathered.add(depth, EdgeMetrics(dbe_acc_px=1.0, dbe_compl_px=4.0, edge_recall=0.8, guarded=2))
    gathered.add(
        depth, EdgeMetrics(dbe_acc_px=10.0, dbe_compl_px=10.0, edge_recall=0.0, fallback=True)
    )
    gathered.add(depth, EdgeMetrics(skipped='sparse'))
    gathered.add(depth_metrics(row(1.0), row(torch.nan)), EdgeMetrics(skipped='no_gt_edges'))
    summary = gathered.summary()
    assert summary['counts'] == {
        'frames': 4,
        'empty': 1,
        'edge_frames': 2,
        'edge_fallbacks': 1,
        'pixels': 6,
        'missing_px': 3,
        'clipped_px': 3,
        'guarded_px': 2,
        'edge_skipped': {'no_gt_edges': 1, 'sparse': 1},
    }
    assert summary['dbe_acc_px'] == 5.5
    assert summary['dbe_compl_px'] == 7.0
    assert summary['edge_recall'] == pytest.approx(0.4)
    assert math.isfinite(summary['abs_rel'])


def test_summary_is_strict_json_even_without_frames():
    text = json.dumps(MetricMean().summary(), allow_nan=False)
    assert json.loads(text)['abs_rel'] is None


def test_bad_arguments_are_named(subtests):
    cases = [
        (lambda: depth_metrics(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)), 'prediction: '),
        (lambda: depth_metrics(torch.ones(2, 2), torch.ones(2, 3)), 'ground truth: shape'),
        (
            lambda: depth_metrics(torch.ones(2, 2), torch.ones(2, 2), torch.ones(1, 2)),
            'valid: shape',
        ),
        (
            lambda: depth_metrics(torch.ones(2, 2), torch.ones(2, 2), range_m=(10.0, 1.0)),
            r'range = \(10.0, 1.0\)',
        ),
    ]
    for call, message in cases:
        with subtests.test(message=message), pytest.raises(InputError, match=message):
            call()
